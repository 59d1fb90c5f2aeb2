-- Tags that prospects have.
select distinct nameplate
from marts.rpt_prospect_nameplates
order by nameplate
