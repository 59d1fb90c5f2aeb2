-- Runs, the newest first.
select
    started_at,
    run_kind,
    status,
    seconds,
    cpu_seconds,
    peak_mib,
    run_batch_id,
    rows_landed,
    rows_quarantined,
    nodes_failed,
    message,
    host,
    user_name
from operations.fct_runs
order by started_at desc, run_id asc
limit $most_rows
