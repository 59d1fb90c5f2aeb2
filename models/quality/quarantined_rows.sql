with

quarantined_rows as (
    select * from {{ ref('stg_control__quarantined_rows') }}
),

selected as (
    select
        batch_id,
        system,
        feed,
        record_source,
        source_row,
        reason,
        raw_text,
        loaded_at
    from quarantined_rows
)

select * from selected
