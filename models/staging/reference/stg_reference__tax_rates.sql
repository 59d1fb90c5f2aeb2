with

tax_rate as (
    select * from {{ source('reference', 'tax_rate') }}
),

renamed as (
    select
        ---------- ids
        tx_id as tax_rate_code,
        ---------- attributes
        tx_name as tax_rate_name,
        tx_rate as tax_rate,
        ---------- load
        {{ load_columns() }}
    from tax_rate
)

select * from renamed
