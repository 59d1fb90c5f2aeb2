-- One row per prospect who left the list before a day.
select hub_prospect.prospect_id
from business_vault.bv_prospect__history as history
inner join raw_vault.hub_prospect as hub_prospect on history.prospect_hk = hub_prospect.prospect_hk
where history.is_current and not history.is_listed and history.last_listed_on < date '{day}'
order by 1
