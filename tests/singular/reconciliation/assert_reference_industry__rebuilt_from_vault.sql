-- What: every line of the feed is a row of ref_industry, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        in_id,
        in_name,
        in_sc_id,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('reference', 'industry') }}
),

rebuilt as (
    select
        ref_industry.industry_code as in_id,
        ref_industry.industry_name as in_name,
        ref_industry.sector_code as in_sc_id,
        ref_industry.batch_id,
        ref_industry.record_source as source_file,
        ref_industry.source_row,
        ref_industry.loaded_at
    from {{ ref('ref_industry') }} as ref_industry
)

{{ differences("delivered", "rebuilt") }}
