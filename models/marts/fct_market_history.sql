{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["sk_security_id", "sk_date_id"],
    on_schema_change="append_new_columns",
) }}

with

daily_prices as (
    select * from {{ ref('nhl_daily_price') }}
    where {{ new_rows_filter(ref('nhl_daily_price'), in_order=true) }}
),

fifty_two_weeks as (
    select * from {{ ref('bv_daily_price__fifty_two_weeks') }}
    where {{ new_rows_filter(ref('nhl_daily_price'), in_order=true) }}
),

earnings as (
    select * from {{ ref('bv_company__trailing_earnings') }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

securities as (
    select * from {{ ref('bv_security__history') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

-- A daily extract is about the day before, but meets the versions that hold after its batch.
prices as (
    select
        daily_prices.*,
        fifty_two_weeks.fifty_two_week_high_price,
        fifty_two_weeks.fifty_two_week_high_date,
        fifty_two_weeks.fifty_two_week_low_price,
        fifty_two_weeks.fifty_two_week_low_date,
        cast(date_trunc('quarter', daily_prices.price_date) as date) as quarter_start_date,
        case
            when daily_prices.cdc_flag is null then daily_prices.price_date
            else batches.batch_date
        end as looked_up_on
    from daily_prices
    inner join batches on daily_prices.batch_id = batches.batch_id
    left join fifty_two_weeks
        on
            daily_prices.symbol = fifty_two_weeks.symbol
            and daily_prices.price_date = fifty_two_weeks.price_date
),

valued as (
    select
        securities.security_version_hk as sk_security_id,
        securities.company_version_hk as sk_company_id,
        price_date.sk_date_id,
        -- Engines divide decimals differently; eight places on the way make them round alike.
        cast(cast(prices.close_price / earnings.trailing_earnings_per_share as decimal(18, 8)) as decimal(10, 2))
            as pe_ratio,
        cast(cast(securities.dividend_amount * 100 / nullif(prices.close_price, 0) as decimal(18, 8)) as decimal(10, 2))
            as yield,
        prices.fifty_two_week_high_price as fifty_two_week_high,
        high_date.sk_date_id as sk_fifty_two_week_high_date,
        prices.fifty_two_week_low_price as fifty_two_week_low,
        low_date.sk_date_id as sk_fifty_two_week_low_date,
        prices.close_price,
        prices.high_price as day_high,
        prices.low_price as day_low,
        prices.volume_count as volume,
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
    left join dim_date as price_date on prices.price_date = price_date.date_value
    left join dim_date as high_date on prices.fifty_two_week_high_date = high_date.date_value
    left join dim_date as low_date on prices.fifty_two_week_low_date = low_date.date_value
)

select * from valued
