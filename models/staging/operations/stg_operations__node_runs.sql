with

node_run as (
    select * from {{ source('operations', 'node_run') }}
),

renamed as (
    select
        ---------- ids
        run_id,
        invocation,
        node_id,
        name as node_name,
        kind as node_kind,
        ---------- attributes
        schema_name,
        status,
        started_at,
        seconds,
        row_count,
        message,
        sql_digest,
        ---------- load
        {{ load_columns() }}
    from node_run
)

select * from renamed
