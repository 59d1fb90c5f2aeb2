with

load_log as (
    select * from {{ ref('stg_control__load_log') }}
),

selected as (
    select
        batch_id,
        system,
        feed,
        record_source,
        status,
        sha256,
        file_bytes,
        rows_read,
        rows_landed,
        rows_quarantined,
        seconds,
        message,
        loaded_at
    from load_log
)

select * from selected
