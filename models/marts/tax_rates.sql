with

tax_rates as (
    {{- first_listed(ref('ref_tax_rate'), ["tax_rate_code"]) }}
),

renamed as (
    select
        tax_rate_code as tx_id,
        tax_rate_name as tx_name,
        tax_rate as tx_rate
    from tax_rates
)

select * from renamed
