-- What: every line of the feed is a row of ref_status_type, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        st_id,
        st_name,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('reference', 'status_type') }}
),

rebuilt as (
    select
        ref_status_type.status_code as st_id,
        ref_status_type.status_name as st_name,
        ref_status_type.batch_id,
        ref_status_type.record_source as source_file,
        ref_status_type.source_row,
        ref_status_type.loaded_at
    from {{ ref('ref_status_type') }} as ref_status_type
)

{{ differences("delivered", "rebuilt") }}
