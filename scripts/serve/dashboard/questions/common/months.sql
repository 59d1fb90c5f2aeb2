-- The months of the metrics.
select month_start_date
from marts.rpt_months
order by month_start_date
