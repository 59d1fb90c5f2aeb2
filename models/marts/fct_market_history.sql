{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["sk_security_id", "sk_date_id"],
    on_schema_change="append_new_columns",
) }}

with

daily_prices as (
    select * from {{ ref('nhl_daily_price') }}
    where {{ incremental_key_filter(["batch_id"], [ref('nhl_daily_price')]) }}
),

ratios as (
    select * from {{ ref('bv_daily_price__ratios') }}
    where {{ incremental_key_filter(["batch_id"], [ref('nhl_daily_price')]) }}
),

fifty_two_weeks as (
    select * from {{ ref('bv_daily_price__fifty_two_weeks') }}
    where {{ incremental_key_filter(["batch_id"], [ref('nhl_daily_price')]) }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

keyed as (
    select
        ratios.security_version_hk as sk_security_id,
        ratios.company_version_hk as sk_company_id,
        price_date.sk_date_id,
        ratios.price_earnings_ratio as pe_ratio,
        ratios.dividend_yield as yield,
        fifty_two_weeks.fifty_two_week_high_price as fifty_two_week_high,
        high_date.sk_date_id as sk_fifty_two_week_high_date,
        fifty_two_weeks.fifty_two_week_low_price as fifty_two_week_low,
        low_date.sk_date_id as sk_fifty_two_week_low_date,
        daily_prices.close_price,
        daily_prices.high_price as day_high,
        daily_prices.low_price as day_low,
        daily_prices.volume_count as volume,
        daily_prices.batch_id
    from daily_prices
    left join ratios
        on
            daily_prices.symbol = ratios.symbol
            and daily_prices.price_date = ratios.price_date
    left join fifty_two_weeks
        on
            daily_prices.symbol = fifty_two_weeks.symbol
            and daily_prices.price_date = fifty_two_weeks.price_date
    left join dim_date as price_date on daily_prices.price_date = price_date.date_value
    left join dim_date as high_date on fifty_two_weeks.fifty_two_week_high_date = high_date.date_value
    left join dim_date as low_date on fifty_two_weeks.fifty_two_week_low_date = low_date.date_value
)

select * from keyed
