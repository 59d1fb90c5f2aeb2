with

node_runs as (
    select * from {{ ref('fct_node_runs') }}
),

final as (
    select
        invocation,
        node_id,
        run_id,
        node_name as test_name,
        status,
        started_at as tested_at,
        seconds,
        row_count as failed_row_count,
        message
    from node_runs
    where node_kind in ('test', 'unit_test')
)

select * from final
