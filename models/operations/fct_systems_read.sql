with

systems_read as (
    select * from {{ ref('stg_operations__systems_read') }}
),

-- A file of records that was copied counts once.
numbered as (
    select
        *,
        {{ copy_number(["run_id", "source_system", "feed_name"]) }} as copy_number
    from systems_read
),

final as (
    select
        run_id,
        source_system,
        feed_name,
        extracted_batch_id,
        read_at,
        rows_read,
        system_rows,
        file_count,
        byte_count,
        retry_count,
        lag_bytes,
        lag_rows,
        unknown_columns,
        warning
    from numbered
    where copy_number = 1
)

select * from final
