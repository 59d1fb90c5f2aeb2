with

market_history as (
    select * from {{ ref('fct_market_history') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

-- One message per symbol and batch, not per day.
without_earnings as (
    select distinct
        market_history.batch_id,
        dim_security.symbol
    from market_history
    inner join dim_security on market_history.sk_security_id = dim_security.sk_security_id
    where market_history.pe_ratio is null
),

written as (
    select
        'no_earnings' as message_code,
        batch_id,
        'FactMarketHistory' as message_source,
        'DM_S_SYMB = ' || symbol as message_data
    from without_earnings
)

select * from written
