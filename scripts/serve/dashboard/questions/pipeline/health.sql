-- Days, targets and warehouses on which something ran, the newest first.
select
    run_date,
    target,
    warehouse,
    run_count,
    success_count,
    failed_count,
    stopped_count,
    killed_count,
    running_count,
    seconds,
    peak_mib,
    rows_landed,
    rows_quarantined,
    last_success_at
from operations.rpt_pipeline_health
order by run_date desc, target asc, warehouse asc
limit $most_rows
