with

quarantine as (
    select * from {{ source('operations', 'quarantine') }}
),

renamed as (
    select
        ---------- ids
        batch_id,
        system,
        feed,
        source_file as record_source,
        line_number as source_row,
        ---------- attributes
        reason,
        raw_text,
        ---------- load
        loaded_at
    from quarantine
)

select * from renamed
