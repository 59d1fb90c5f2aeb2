with

node_runs as (
    select * from {{ ref('stg_operations__node_runs') }}
),

-- A file of records that was copied counts once.
numbered as (
    select
        *,
        {{ copy_number(["invocation", "node_id"]) }} as copy_number
    from node_runs
),

final as (
    select
        invocation,
        node_id,
        run_id,
        node_name,
        node_kind,
        schema_name,
        status,
        started_at,
        seconds,
        row_count,
        message,
        sql_digest
    from numbered
    where copy_number = 1
)

select * from final
