-- Prospects of each tag.
select
    nameplate,
    count(*) as prospect_count
from marts.rpt_prospect_nameplates
where
    ($state is null or state = $state)
    and (is_listed or not $only_listed)
    and (not is_customer or $with_customers)
group by nameplate
order by prospect_count desc, nameplate asc
