-- What: every line of the feed is a row of ref_tax_rate, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        tx_id,
        tx_name,
        tx_rate,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('reference', 'tax_rate') }}
),

rebuilt as (
    select
        ref_tax_rate.tax_rate_code as tx_id,
        ref_tax_rate.tax_rate_name as tx_name,
        ref_tax_rate.tax_rate as tx_rate,
        ref_tax_rate.batch_id,
        ref_tax_rate.record_source as source_file,
        ref_tax_rate.source_row,
        ref_tax_rate.loaded_at
    from {{ ref('ref_tax_rate') }} as ref_tax_rate
)

{{ differences("delivered", "rebuilt") }}
