-- Models and what they took last, beside what they usually take; those that are slow first.
select
    node_name,
    schema_name,
    is_slow,
    last_seconds,
    usual_seconds,
    limit_seconds,
    earlier_run_count,
    last_started_at
from operations.rpt_slow_models
order by
    case when is_slow then 0 else 1 end asc,
    last_seconds desc,
    node_name asc
limit $most_rows
