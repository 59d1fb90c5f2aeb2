-- What: for a sample of securities without a rejected price, every high, low and first day equals what a plain search
--   through the year
-- before finds.
-- Why: the model computes them from one number for price and day, over a window or from a batch; this test states
-- the rule directly, day by day: after the same day of the year before, up to the day itself, the earliest day of
-- equal prices.
-- A returned row: a day whose values differ from the plain search.
with

sampled as (
    select distinct symbol
    from {{ ref('nhl_daily_price') }}
    where
        symbol not in (
            select rejected.symbol from {{ ref('rejected_rows') }} as rejected
            where rejected.model_name = 'fct_market_history'
        )
    order by symbol
    limit 5
),

prices as (
    select nhl_daily_price.*
    from {{ ref('nhl_daily_price') }} as nhl_daily_price
    inner join sampled on nhl_daily_price.symbol = sampled.symbol
),

searched as (
    select
        day.symbol,
        day.price_date,
        max(year.high_price) as high_price,
        min(year.low_price) as low_price
    from prices as day
    inner join prices as year
        on
            day.symbol = year.symbol
            and day.price_date >= year.price_date
            and day.price_date - interval '1 year' < year.price_date
    group by day.symbol, day.price_date
),

dated as (
    select
        searched.symbol,
        searched.price_date,
        searched.high_price,
        searched.low_price,
        min(case when year.high_price = searched.high_price then year.price_date end) as high_date,
        min(case when year.low_price = searched.low_price then year.price_date end) as low_date
    from searched
    inner join prices as year
        on
            searched.symbol = year.symbol
            and searched.price_date >= year.price_date
            and searched.price_date - interval '1 year' < year.price_date
    group by searched.symbol, searched.price_date, searched.high_price, searched.low_price
)

select
    dated.symbol,
    dated.price_date,
    computed.fifty_two_week_high_price,
    computed.fifty_two_week_low_price
from dated
left join {{ ref('bv_daily_price__fifty_two_weeks') }} as computed
    on
        dated.symbol = computed.symbol
        and dated.price_date = computed.price_date
where
    computed.fifty_two_week_high_price is distinct from dated.high_price
    or computed.fifty_two_week_high_date is distinct from dated.high_date
    or computed.fifty_two_week_low_price is distinct from dated.low_price
    or computed.fifty_two_week_low_date is distinct from dated.low_date
