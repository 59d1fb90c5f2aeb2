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
    where {{ is_affected("batch_id", ref('nhl_daily_price')) }}
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

-- Within a calendar year: the extremes from its first day on, and those until its last one.
yearly as (
    select
        symbol,
        price_date,
        batch_id,
        date_trunc('year', price_date) as year_start,
        max(high_and_day) over year_to_date as high_to_date,
        min(low_and_day) over year_to_date as low_to_date,
        max(high_and_day) over rest_of_year as high_from_here,
        min(low_and_day) over rest_of_year as low_from_here
    from encoded
    where price_date >= first_price_date
    window
        year_to_date as (partition by symbol, date_trunc('year', price_date) order by price_date),
        rest_of_year as (partition by symbol, date_trunc('year', price_date) order by price_date desc)
),

-- By the calendar: 365 or 366 days with the day itself, without the same day of the year before.
framed as (
    select
        *,
        first_value(year_start) over fifty_two_weeks as first_year_start,
        first_value(high_from_here) over fifty_two_weeks as high_from_first,
        first_value(low_from_here) over fifty_two_weeks as low_from_first
    from yearly
    window fifty_two_weeks as (
        partition by symbol
        order by price_date
        range between interval '1 year -1 day' preceding and current row
    )
),

-- Such a period is the rest of one calendar year and the beginning of the next, or the beginning of one alone.
-- Its extremes are put together from those of its parts: Postgres would look at every day of every period.
recent as (
    select
        symbol,
        price_date,
        batch_id,
        greatest(high_to_date, case when first_year_start < year_start then high_from_first end) as high_and_day,
        least(low_to_date, case when first_year_start < year_start then low_from_first end) as low_and_day
    from framed
),

-- Days before the affected ones are only looked back at; there are none when the model is built anew.
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
