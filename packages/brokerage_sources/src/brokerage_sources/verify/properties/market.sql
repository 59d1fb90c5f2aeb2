-- check: market.securities_are_quoted_while_live
-- A price is that of a security announced before and not yet inactive
with quoted as (
    select distinct
        batch_id,
        dm_date,
        dm_s_symb
    from daily_market
)

select
    m.batch_id,
    m.dm_date,
    m.dm_s_symb,
    s.created_at,
    s.inactive_at
from quoted as m
left join security_lives as s on m.dm_s_symb = s.symbol
where
    s.symbol is null or s.created_at::date > m.dm_date
    or s.inactive_at::date < m.dm_date;

-- check: market.every_live_security_every_day
-- Every security live before a quarter and through its end is quoted on each day of the market
with days as (select distinct dm_date from daily_market)

select
    d.dm_date,
    s.symbol
from days as d
inner join security_lives as s
    on
        s.created_at < date_trunc('quarter', d.dm_date)
        and coalesce(s.inactive_at, timestamp '9999-12-31')
        >= date_trunc('quarter', d.dm_date) + interval 3 month
anti join daily_market as m on d.dm_date = m.dm_date and s.symbol = m.dm_s_symb;

-- check: market.one_price_a_day
-- A symbol has one price a day, over all batches
select
    dm_s_symb,
    dm_date,
    count(*) as rows
from daily_market
group by all
having rows > 1;

-- check: market.days
-- Prices lag the batch by one day: history in the first batch without a gap, one day in the others
with quoted as (
    select distinct
        batch_id,
        dm_date
    from daily_market
),

days as (
    select
        d.batch_id,
        d.dm_date,
        b.batch_date,
        lag(d.dm_date) over (order by d.batch_id, d.dm_date) as before
    from quoted as d
    inner join batches as b using (batch_id)
)

from days
where
    dm_date <> before + 1 or dm_date >= batch_date
    or (batch_id > 1 and dm_date <> batch_date - 1)
union all
select
    batch_id,
    max(dm_date) as dm_date,
    any_value(batch_date) as batch_date,
    null as before
from days
group by batch_id
having max(days.dm_date) <> any_value(days.batch_date) - 1;

-- check: market.sorted_by_date
-- The first batch's file is sorted by date
select
    dm_date,
    lag(dm_date) over (order by rowid) as before
from daily_market
where batch_id = 1
qualify dm_date < before;

-- check: market.prices_are_ordered
-- 0 < low <= close <= high, none further than half the close away; the volume is positive
select
    batch_id,
    dm_date,
    dm_s_symb,
    dm_low,
    dm_close,
    dm_high,
    dm_vol
from daily_market
where not coalesce(
    0 < dm_low and dm_low <= dm_close and dm_close <= dm_high and dm_vol > 0
    and dm_low >= dm_close / 2 - 0.01 and dm_high <= dm_close * 1.5 + 0.01, false
);
