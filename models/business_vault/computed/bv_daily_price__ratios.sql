{{ config(materialized="view") }}

with

daily_prices as (
    select * from {{ ref('bv_daily_price__fifty_two_weeks') }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

securities as (
    select * from {{ ref('bv_security__history') }}
),

earnings as (
    select * from {{ ref('bv_company__trailing_earnings') }}
),

prices as (
    select
        daily_prices.*,
        cast(date_trunc('quarter', daily_prices.price_date) as date) as quarter_start_date,
        {{ version_day("daily_prices", "daily_prices.price_date") }} as looked_up_on
    from daily_prices
    inner join batches on daily_prices.batch_id = batches.batch_id
),

valued as (
    select
        ---------- ids
        prices.symbol,
        prices.price_date,
        securities.security_version_hk,
        securities.company_version_hk,
        ---------- prices
        prices.close_price,
        prices.high_price,
        prices.low_price,
        prices.volume_count,
        prices.fifty_two_week_high_price,
        prices.fifty_two_week_high_date,
        prices.fifty_two_week_low_price,
        prices.fifty_two_week_low_date,
        ---------- ratios
        {{ ratio("prices.close_price", "earnings.trailing_earnings_per_share") }} as price_earnings_ratio,
        {{ ratio("securities.dividend_amount * 100", "prices.close_price") }} as dividend_yield,
        ---------- load
        prices.batch_id
    from prices
    left join securities
        on
            prices.symbol = securities.symbol
            and prices.looked_up_on >= securities.valid_from
            and prices.looked_up_on < securities.valid_to
    left join earnings
        on
            securities.company_hk = earnings.company_hk
            and prices.quarter_start_date = earnings.quarter_start_date
)

select * from valued
