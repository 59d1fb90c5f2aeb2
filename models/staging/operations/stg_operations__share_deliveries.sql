with

share_delivery as (
    select * from {{ source('operations', 'share_delivery') }}
),

renamed as (
    select
        ---------- ids
        run_id,
        recipient,
        share,
        table_name,
        ---------- attributes
        action,
        delivered_at,
        version,
        published_version,
        published_batch_id,
        source_table,
        row_count,
        byte_count,
        column_names,
        personal_columns,
        destination,
        user_name,
        reason,
        ---------- load
        {{ load_columns() }}
    from share_delivery
)

select * from renamed
