{{ config(materialized="view") }}

with

fct_positions as (
    select * from {{ ref('fct_positions') }}
),

fct_market_history as (
    select * from {{ ref('fct_market_history') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

prices as (
    select
        dim_security.symbol,
        dim_date.sk_date_id,
        dim_date.date_value,
        fct_market_history.close_price
    from fct_market_history
    inner join dim_security on fct_market_history.sk_security_id = dim_security.sk_security_id
    inner join dim_date on fct_market_history.sk_date_id = dim_date.sk_date_id
),

valued as (
    select
        prices.sk_date_id,
        prices.date_value,
        fct_positions.account_id,
        fct_positions.symbol,
        fct_positions.quantity,
        fct_positions.cost_amount,
        prices.close_price,
        cast(fct_positions.quantity * prices.close_price as decimal(38, 2)) as market_amount,
        cast(fct_positions.quantity * prices.close_price - fct_positions.cost_amount as decimal(38, 2))
            as unrealized_gain_amount
    from fct_positions
    inner join prices
        on
            fct_positions.symbol = prices.symbol
            and fct_positions.valid_from <= prices.date_value
            and fct_positions.valid_to > prices.date_value
    where fct_positions.quantity <> 0
)

select * from valued
