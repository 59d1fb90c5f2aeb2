with

trade_types as (
    {{- first_listed(ref('ref_trade_type'), ["trade_type_code"]) }}
),

renamed as (
    select
        trade_type_code as tt_id,
        trade_type_name as tt_name,
        is_sell as tt_is_sell,
        is_market as tt_is_mrkt
    from trade_types
)

select * from renamed
