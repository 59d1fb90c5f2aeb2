with

run_ended as (
    select * from {{ source('operations', 'run_ended') }}
),

renamed as (
    select
        ---------- ids
        run_id,
        ---------- attributes
        ended_at,
        status,
        message,
        seconds,
        cpu_seconds,
        peak_mib,
        rows_landed,
        rows_quarantined,
        nodes_failed,
        ---------- load
        {{ load_columns() }}
    from run_ended
)

select * from renamed
