-- Days on which something ran, all warehouses of the history together.
select
    run_date,
    cast(sum(run_count) as bigint) as run_count,
    cast(sum(seconds) as decimal(18, 3)) as seconds
from operations.rpt_pipeline_health
group by run_date
order by run_date desc
limit 30
