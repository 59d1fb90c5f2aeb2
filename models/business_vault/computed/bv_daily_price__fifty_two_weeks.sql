{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key=["symbol", "price_date"]) }}

with

prices as (
    select
        *,
        price_date - cast('1900-01-01' as date) as day_number
    from {{ ref('nhl_daily_price') }}
),

-- The first day about which a new batch says something: rows from this day on may have it in their year.
affected as (
    select
        symbol,
        min(price_date) as first_price_date
    from prices
    where {{ new_rows_filter(ref('nhl_daily_price')) }}
    group by symbol
),

-- One number for price and day: the greatest one is the highest price, and of equal prices the one of the earliest day.
encoded as (
    select
        prices.symbol,
        prices.price_date,
        prices.batch_id,
        affected.first_price_date,
        cast(prices.high_price * 100 as bigint) * 100000 + 99999 - prices.day_number as high_and_day,
        cast(prices.low_price * 100 as bigint) * 100000 + prices.day_number as low_and_day
    from prices
    inner join affected on prices.symbol = affected.symbol
    where prices.price_date > affected.first_price_date - interval '1 year'
),

affected_days as (
    select * from encoded
    where price_date >= first_price_date
),

recent as (
    {{- extremes_of_fifty_two_weeks("affected_days") }}
),

-- Days before the affected ones are only looked back at; there are none when the model is rebuilt.
earlier_days as (
    select * from encoded
    where price_date < first_price_date
),

earlier as (
    select
        recent.symbol,
        recent.price_date,
        max(earlier_days.high_and_day) as high_and_day,
        min(earlier_days.low_and_day) as low_and_day
    from recent
    inner join earlier_days
        on
            recent.symbol = earlier_days.symbol
            and recent.price_date - interval '1 year' < earlier_days.price_date
    group by recent.symbol, recent.price_date
),

extremes as (
    select
        recent.symbol,
        recent.price_date,
        recent.batch_id,
        greatest(recent.high_and_day, earlier.high_and_day) as high_and_day,
        least(recent.low_and_day, earlier.low_and_day) as low_and_day
    from recent
    left join earlier
        on
            recent.symbol = earlier.symbol
            and recent.price_date = earlier.price_date
),

decoded as (
    select
        symbol,
        price_date,
        cast(cast(high_and_day - high_and_day % 100000 as decimal(18, 0)) * 0.0000001 as decimal(8, 2))
            as fifty_two_week_high_price,
        cast('1900-01-01' as date) + cast(99999 - high_and_day % 100000 as integer) as fifty_two_week_high_date,
        cast(cast(low_and_day - low_and_day % 100000 as decimal(18, 0)) * 0.0000001 as decimal(8, 2))
            as fifty_two_week_low_price,
        cast('1900-01-01' as date) + cast(low_and_day % 100000 as integer) as fifty_two_week_low_date,
        batch_id
    from extremes
)

select * from decoded
