{{ config(materialized="view", meta={"unaffected_by_masks": true}) }}

with

months as (
    select * from {{ ref('rpt_months') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

fct_cash_balances as (
    select * from {{ ref('fct_cash_balances') }}
),

fct_positions as (
    select * from {{ ref('fct_positions') }}
),

fct_market_history as (
    select * from {{ ref('fct_market_history') }}
),

-- The version that holds at the end of the month: every account has a row from its first month on, whatever it holds.
accounts as (
    select
        months.month_start_date,
        dim_account.account_id,
        dim_account.sk_account_id,
        dim_account.sk_customer_id,
        dim_account.sk_broker_id,
        dim_account.status
    from dim_account
    inner join months
        on
            dim_account.effective_date <= months.month_end_date
            and dim_account.end_date > months.month_end_date
),

-- By the account, not by its version: a balance holds until the next one.
balances as (
    select
        dim_account.account_id,
        fct_cash_balances.cash,
        dim_date.date_value as valid_from,
        coalesce(
            lead(dim_date.date_value) over (partition by dim_account.account_id order by dim_date.date_value),
            {{ open_end() }}
        ) as valid_to
    from fct_cash_balances
    inner join dim_account on fct_cash_balances.sk_account_id = dim_account.sk_account_id
    inner join dim_date on fct_cash_balances.sk_date_id = dim_date.sk_date_id
),

cash as (
    select
        months.month_start_date,
        balances.account_id,
        balances.cash as cash_amount
    from balances
    inner join months
        on
            balances.valid_from <= months.month_end_date
            and balances.valid_to > months.month_end_date
),

-- Of each symbol, whatever its version, the last price of each month. Day and price are in one number, so that prices
-- are read once: its last nine digits are the cents, and a hundred million more so that they are never negative.
last_prices as (
    select
        dim_security.symbol,
        max(
            fct_market_history.sk_date_id * 1000000000
            + cast(fct_market_history.close_price * 100 as bigint) + 100000000
        ) as day_and_price
    from fct_market_history
    inner join dim_security on fct_market_history.sk_security_id = dim_security.sk_security_id
    inner join dim_date on fct_market_history.sk_date_id = dim_date.sk_date_id
    group by dim_security.symbol, date_trunc('month', dim_date.date_value)
),

prices as (
    select
        last_prices.symbol,
        cast(mod(last_prices.day_and_price, 1000000000) - 100000000 as decimal(18, 2)) * 0.01 as close_price,
        dim_date.date_value as valid_from,
        coalesce(
            lead(dim_date.date_value) over (partition by last_prices.symbol order by dim_date.date_value),
            {{ open_end() }}
        ) as valid_to
    from last_prices
    inner join dim_date
        on last_prices.day_and_price - mod(last_prices.day_and_price, 1000000000) = dim_date.sk_date_id * 1000000000
),

monthly_prices as (
    select
        months.month_start_date,
        prices.symbol,
        prices.close_price
    from prices
    inner join months
        on
            prices.valid_from <= months.month_end_date
            and prices.valid_to > months.month_end_date
),

-- Valued at the last price known; a security that never had one adds nothing, and neither does its cost.
holdings as (
    select
        months.month_start_date,
        fct_positions.account_id,
        sum(fct_positions.quantity * monthly_prices.close_price) as holdings_amount,
        sum(fct_positions.cost_amount) as holdings_cost_amount
    from fct_positions
    inner join months
        on
            fct_positions.valid_from <= months.month_end_date
            and fct_positions.valid_to > months.month_end_date
    inner join monthly_prices
        on
            fct_positions.symbol = monthly_prices.symbol
            and months.month_start_date = monthly_prices.month_start_date
    where fct_positions.quantity <> 0
    group by months.month_start_date, fct_positions.account_id
),

valued as (
    select
        accounts.month_start_date,
        accounts.account_id,
        accounts.sk_account_id,
        accounts.sk_customer_id,
        accounts.sk_broker_id,
        cast(case when accounts.status = 'Active' then 1 else 0 end as integer) as active_account_count,
        cast(coalesce(cash.cash_amount, 0) as decimal(38, 2)) as cash_amount,
        cast(
            coalesce(cash.cash_amount, 0) - coalesce(
                lag(cash.cash_amount) over (partition by accounts.account_id order by accounts.month_start_date), 0
            ) as decimal(38, 2)
        ) as net_cash_amount,
        cast(coalesce(holdings.holdings_amount, 0) as decimal(38, 2)) as holdings_amount,
        cast(coalesce(holdings.holdings_cost_amount, 0) as decimal(38, 2)) as holdings_cost_amount
    from accounts
    left join cash
        on
            accounts.account_id = cash.account_id
            and accounts.month_start_date = cash.month_start_date
    left join holdings
        on
            accounts.account_id = holdings.account_id
            and accounts.month_start_date = holdings.month_start_date
)

select * from valued
