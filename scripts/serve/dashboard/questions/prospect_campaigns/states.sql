-- States and provinces of prospects.
select distinct state
from marts.rpt_prospects
order by state
