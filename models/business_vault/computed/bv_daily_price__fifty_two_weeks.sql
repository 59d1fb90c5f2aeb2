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
        {{ days_between("cast('1900-01-01' as date)", "daily_prices.price_date") }} as day_number
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

-- One number for price and day, which takes the last 17 bits: the greatest one is the highest price, and of equal
-- prices the one of the earliest day.
encoded as (
    select
        prices.symbol,
        prices.price_date,
        prices.close_price,
        prices.high_price,
        prices.low_price,
        prices.volume_count,
        prices.cdc_flag,
        prices.batch_id,
        prices.source_row,
        affected.first_price_date,
        cast(prices.high_price * 100 as bigint) * 131072 + 131071 - prices.day_number as high_and_day,
        cast(prices.low_price * 100 as bigint) * 131072 + prices.day_number as low_and_day,
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
        max(earlier_days.high_and_day) as year_high,
        min(earlier_days.low_and_day) as year_low
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
        recent.close_price,
        recent.high_price,
        recent.low_price,
        recent.volume_count,
        recent.cdc_flag,
        recent.batch_id,
        recent.source_row,
        greatest(recent.year_high, earlier.year_high) as year_high,
        least(recent.year_low, earlier.year_low) as year_low
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
        cast(cast({{ shift_right("year_high", 17) }} as integer) * 0.01 as decimal(8, 2)) as fifty_two_week_high_price,
        cast('1900-01-01' as date) + cast(131071 - (year_high & 131071) as integer) as fifty_two_week_high_date,
        cast(cast({{ shift_right("year_low", 17) }} as integer) * 0.01 as decimal(8, 2)) as fifty_two_week_low_price,
        cast('1900-01-01' as date) + cast(year_low & 131071 as integer) as fifty_two_week_low_date,
        close_price,
        high_price,
        low_price,
        volume_count,
        cdc_flag,
        batch_id,
        source_row
    from extremes
)

select * from decoded
