with

system_read as (
    select * from {{ source('operations', 'system_read') }}
),

renamed as (
    select
        ---------- ids
        run_id,
        source_system,
        feed_name,
        extracted_batch_id,
        ---------- attributes
        read_at,
        rows_read,
        system_rows,
        file_count,
        byte_count,
        retry_count,
        lag_bytes,
        lag_rows,
        unknown_columns,
        warning,
        ---------- load
        {{ load_columns() }}
    from system_read
)

select * from renamed
