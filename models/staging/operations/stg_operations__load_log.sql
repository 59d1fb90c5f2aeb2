with

load_log as (
    select * from {{ source('operations', 'load_log') }}
),

renamed as (
    select
        ---------- ids
        batch_id,
        system,
        feed,
        source_file as record_source,
        ---------- attributes
        status,
        sha256,
        file_bytes,
        rows_read,
        rows_landed,
        rows_quarantined,
        seconds,
        message,
        ---------- load
        loaded_at
    from load_log
)

select * from renamed
