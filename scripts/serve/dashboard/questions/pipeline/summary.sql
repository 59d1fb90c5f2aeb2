-- What the run history says in a line; counts are NULL if nothing is recorded.
with

health as (
    select
        cast(sum(run_count) as bigint) as run_count,
        cast(sum(success_count) as bigint) as success_count,
        cast(sum(failed_count + stopped_count + killed_count) as bigint) as unsuccessful_count,
        max(last_success_at) as last_success_at
    from operations.rpt_pipeline_health
),

slow as (
    select count(*) as slow_model_count
    from operations.rpt_slow_models
    where is_slow
),

arrivals as (
    select
        max(loaded_at) as last_loaded_at,
        max(batch_date) as last_batch_date,
        count(distinct case when has_failed then system || '.' || feed end) as failed_feed_count,
        cast(sum(rows_quarantined) as bigint) as rows_quarantined
    from operations.fct_feed_arrivals
)

select
    health.run_count,
    health.success_count,
    health.unsuccessful_count,
    health.last_success_at,
    slow.slow_model_count,
    arrivals.last_loaded_at,
    arrivals.last_batch_date,
    arrivals.failed_feed_count,
    arrivals.rows_quarantined
from health
cross join slow
cross join arrivals
