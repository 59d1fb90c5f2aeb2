with

trade_type as (
    select * from {{ source('reference', 'trade_type') }}
),

renamed as (
    select
        ---------- ids
        tt_id as trade_type_code,
        ---------- attributes
        tt_name as trade_type_name,
        tt_is_sell as is_sell,
        tt_is_mrkt as is_market,
        ---------- load
        {{ load_columns() }}
    from trade_type
)

select * from renamed
