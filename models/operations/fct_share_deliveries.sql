with

deliveries as (
    select * from {{ ref('stg_operations__share_deliveries') }}
),

-- A file of records that was copied counts once.
once as (
    select
        *,
        {{ copy_number(["run_id", "recipient", "share", "table_name"]) }} as copy_number
    from deliveries
),

final as (
    select
        run_id,
        recipient,
        share,
        table_name,
        source_table,
        action,
        delivered_at,
        version,
        published_version,
        published_batch_id,
        row_count,
        byte_count,
        column_names,
        personal_columns,
        destination,
        user_name,
        reason
    from once
    where copy_number = 1
)

select * from final
