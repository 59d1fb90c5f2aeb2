-- What: every row of the raw vault that a fact is made of is in the fact, or in rejected_rows with a reason.
-- Why: facts leave out what cannot be modeled; nothing may disappear silently on the way.
-- A returned row: a table with both numbers of rows, which differ. Cash has a test of its own, over the last balances.
with

rejected as (
    select * from {{ ref('rejected_rows') }}
),

counted as (
    select
        'fct_holdings' as model_name,
        (select count(*) from {{ ref('nhl_holding_change') }}) as delivered_count,
        (select count(*) from {{ ref('fct_holdings') }}) as modeled_count
    union all
    select
        'fct_market_history' as model_name,
        (select count(*) from {{ ref('nhl_daily_price') }}) as delivered_count,
        (select count(*) from {{ ref('fct_market_history') }}) as modeled_count
    union all
    select
        'fct_watches' as model_name,
        (select count(*) from {{ ref('nhl_watch_event') }}) as delivered_count,
        (select count(*) + count(sk_date_id_date_removed) from {{ ref('fct_watches') }}) as modeled_count
    union all
    select
        'financials' as model_name,
        (select count(*) from {{ ref('sat_company__finwire_financials') }}) as delivered_count,
        (select count(*) from {{ ref('financials') }}) as modeled_count
    union all
    -- Trades, not rows: a trade has several.
    select
        'dim_trade' as model_name,
        (
            select count(*) from (
                select trade_id from {{ ref('sat_trade__brokerage') }}
                union
                select trade_id from {{ ref('nhl_trade_event') }}
            ) as delivered
        ) as delivered_count,
        (select count(*) from {{ ref('dim_trade') }}) as modeled_count
),

rejections as (
    select
        model_name,
        case when model_name = 'dim_trade' then count(distinct trade_id) else count(*) end as rejected_count
    from rejected
    group by model_name
)

select
    counted.model_name,
    counted.delivered_count,
    counted.modeled_count,
    coalesce(rejections.rejected_count, 0) as rejected_count
from counted
left join rejections on counted.model_name = rejections.model_name
where counted.delivered_count <> counted.modeled_count + coalesce(rejections.rejected_count, 0)
