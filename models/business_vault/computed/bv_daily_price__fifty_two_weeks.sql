{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key=["symbol", "price_date"]) }}

with

daily_prices as (
    select * from {{ ref('nhl_daily_price') }}
),

calendar as (
    select date_value
    from {{ ref('bv_date__calendar') }}
),

prices as (
    select
        daily_prices.*,
        daily_prices.price_date - cast('1900-01-01' as date) as day_number
    from daily_prices
    inner join calendar on daily_prices.price_date = calendar.date_value
    where {{ is_complete_price("daily_prices") }}
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

-- One number for price and day: the greatest one is the highest price, and of equal prices the one of the earliest
-- day. A million is
-- added to each price, because the encoding needs numbers that are not negative.
encoded as (
    select
        prices.symbol,
        prices.price_date,
        prices.batch_id,
        affected.first_price_date,
        (cast(prices.high_price * 100 as bigint) + 100000000) * 100000 + 99999 - prices.day_number as high_and_day,
        (cast(prices.low_price * 100 as bigint) + 100000000) * 100000 + prices.day_number as low_and_day,
        row_number() over (partition by prices.symbol, prices.price_date order by prices.batch_id, prices.source_row)
            as delivery_number
    from prices
    inner join affected on prices.symbol = affected.symbol
    where prices.price_date > affected.first_price_date - interval '1 year'
),

-- A price that was delivered again does not count.
first_prices as (
    select * from encoded
    where delivery_number = 1
),

affected_days as (
    select * from first_prices
    where price_date >= first_price_date
),

recent as (
    {{- extremes_of_fifty_two_weeks("affected_days") }}
),

-- Days before the affected ones are only looked back at; there are none when the model is rebuilt.
earlier_days as (
    select * from first_prices
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
        cast(cast(high_and_day - high_and_day % 100000 as decimal(18, 0)) * 0.0000001 - 1000000 as decimal(8, 2))
            as fifty_two_week_high_price,
        cast('1900-01-01' as date) + cast(99999 - high_and_day % 100000 as integer) as fifty_two_week_high_date,
        cast(cast(low_and_day - low_and_day % 100000 as decimal(18, 0)) * 0.0000001 - 1000000 as decimal(8, 2))
            as fifty_two_week_low_price,
        cast('1900-01-01' as date) + cast(low_and_day % 100000 as integer) as fifty_two_week_low_date,
        batch_id
    from extremes
)

select * from decoded
