with

run_started as (
    select * from {{ source('operations', 'run_started') }}
),

renamed as (
    select
        ---------- ids
        run_id,
        kind as run_kind,
        parent_run_id,
        host,
        process_id,
        batch as run_batch_id,
        ---------- attributes
        started_at,
        process_started,
        user_name,
        target,
        warehouse,
        arguments,
        project_version,
        ---------- load
        {{ load_columns() }}
    from run_started
)

select * from renamed
