with

visibility as (
    select * from {{ source('operations', 'visibility') }}
),

renamed as (
    select
        ---------- ids
        version,
        published_batch_id,
        table_name,
        ---------- attributes
        observed_at,
        row_count,
        joined_row_count,
        ---------- load
        {{ load_columns() }}
    from visibility
)

select * from renamed
