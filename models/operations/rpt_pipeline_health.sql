with

runs as (
    select * from {{ ref('fct_runs') }}
),

-- What a run started is part of its time.
daily as (
    select
        cast(started_at as date) as run_date,
        target,
        warehouse,
        cast(count(case when parent_run_id is null then 1 end) as integer) as run_count,
        cast(count(case when parent_run_id is null and status = 'success' then 1 end) as integer) as success_count,
        cast(count(case when parent_run_id is null and status = 'failed' then 1 end) as integer) as failed_count,
        cast(count(case when parent_run_id is null and status = 'stopped' then 1 end) as integer) as stopped_count,
        cast(count(case when parent_run_id is null and status = 'killed' then 1 end) as integer) as killed_count,
        cast(count(case when parent_run_id is null and status = 'running' then 1 end) as integer) as running_count,
        cast(coalesce(sum(case when parent_run_id is null then seconds end), 0) as decimal(18, 3)) as seconds,
        cast(coalesce(sum(case when parent_run_id is null then cpu_seconds end), 0) as decimal(18, 3)) as cpu_seconds,
        cast(max(peak_mib) as decimal(12, 1)) as peak_mib,
        cast(coalesce(sum(rows_landed), 0) as bigint) as rows_landed,
        cast(coalesce(sum(rows_quarantined), 0) as bigint) as rows_quarantined,
        cast(coalesce(sum(nodes_failed), 0) as integer) as failed_node_count,
        min(started_at) as first_started_at,
        max(case when status = 'success' then ended_at end) as last_success_at
    from runs
    group by cast(started_at as date), target, warehouse
)

select * from daily
