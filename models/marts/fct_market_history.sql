{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["sk_security_id", "sk_date_id"],
    on_schema_change="append_new_columns",
) }}

with

prices as (
    select * from {{ ref('bv_daily_price__ratios') }}
    where {{ affected_prices() }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

-- A price without a security on its day, outside the calendar, without a figure, or delivered before is not here but in
-- quality.rejected_rows.
keyed as (
    select
        prices.security_version_hk as sk_security_id,
        prices.company_version_hk as sk_company_id,
        price_date.sk_date_id,
        prices.price_earnings_ratio as pe_ratio,
        prices.dividend_yield as yield,
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
    inner join dim_date as price_date on prices.price_date = price_date.date_value
    left join dim_date as high_date on prices.fifty_two_week_high_date = high_date.date_value
    left join dim_date as low_date on prices.fifty_two_week_low_date = low_date.date_value
    where prices.security_version_hk is not null
)

select * from keyed
