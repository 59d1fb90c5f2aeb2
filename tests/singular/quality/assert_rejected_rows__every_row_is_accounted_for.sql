-- What: every row of the raw vault that a fact or list is made of is in the fact or list, or in rejected_rows with a
-- reason.
-- Why: they leave out what cannot be modeled; nothing may disappear silently on the way.
-- A returned row: a table with both numbers of rows, which differ. Of cash, a row is in the fact if there is a balance
-- of its account and day; that each balance is the right sum has a test of its own.
with

rejected as (
    select * from {{ ref('rejected_rows') }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

transactions as (
    select
        nhl_cash_transaction.account_id,
        {{ balance_day("nhl_cash_transaction", "batches") }} as balance_date
    from {{ ref('nhl_cash_transaction') }} as nhl_cash_transaction
    inner join batches on nhl_cash_transaction.batch_id = batches.batch_id
),

balances as (
    select
        dim_account.account_id,
        dim_date.date_value as balance_date
    from {{ ref('fct_cash_balances') }} as fct_cash_balances
    inner join {{ ref('dim_account') }} as dim_account on fct_cash_balances.sk_account_id = dim_account.sk_account_id
    inner join {{ ref('dim_date') }} as dim_date on fct_cash_balances.sk_date_id = dim_date.sk_date_id
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
    select
        'fct_cash_balances' as model_name,
        (select count(*) from {{ ref('nhl_cash_transaction') }}) as delivered_count,
        (
            select count(*) from transactions
            inner join balances
                on
                    transactions.account_id = balances.account_id
                    and transactions.balance_date = balances.balance_date
        ) as modeled_count
    {%- for name, list in reference_lists().items() %}
        union all
        select
            '{{ name }}' as model_name,
            (select count(*) from {{ ref(list.table) }}) as delivered_count,
            (select count(*) from {{ ref(name) }}) as modeled_count
    {%- endfor %}
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
