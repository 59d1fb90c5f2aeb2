with

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_trade as (
    select * from {{ ref('dim_trade') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
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

fct_watches as (
    select * from {{ ref('fct_watches') }}
),

customers as (
    select * from dim_customer
    where is_current
),

-- Balances and positions belong to who owns the account today.
owned_accounts as (
    select
        dim_account.account_id,
        dim_account.status,
        dim_customer.customer_id
    from dim_account
    inner join dim_customer on dim_account.sk_customer_id = dim_customer.sk_customer_id
    where dim_account.is_current
),

accounts as (
    select
        customer_id,
        count(*) as account_count,
        count(case when status = 'Active' then 1 end) as active_account_count
    from owned_accounts
    group by customer_id
),

balances as (
    select
        dim_account.account_id,
        fct_cash_balances.cash,
        row_number() over (partition by dim_account.account_id order by fct_cash_balances.sk_date_id desc) as recency
    from fct_cash_balances
    inner join dim_account on fct_cash_balances.sk_account_id = dim_account.sk_account_id
),

cash as (
    select
        owned_accounts.customer_id,
        sum(balances.cash) as cash_amount
    from balances
    inner join owned_accounts on balances.account_id = owned_accounts.account_id
    where balances.recency = 1
    group by owned_accounts.customer_id
),

prices as (
    select
        dim_security.symbol,
        fct_market_history.sk_date_id,
        fct_market_history.close_price
    from fct_market_history
    inner join dim_security on fct_market_history.sk_security_id = dim_security.sk_security_id
),

last_days as (
    select
        symbol,
        max(sk_date_id) as sk_date_id
    from prices
    group by symbol
),

last_prices as (
    select
        prices.symbol,
        prices.close_price
    from prices
    inner join last_days
        on
            prices.symbol = last_days.symbol
            and prices.sk_date_id = last_days.sk_date_id
),

holdings as (
    select
        owned_accounts.customer_id,
        count(*) as position_count,
        count(case when last_prices.close_price is null then 1 end) as unpriced_position_count,
        sum(fct_positions.quantity * last_prices.close_price) as holdings_amount
    from fct_positions
    inner join owned_accounts on fct_positions.account_id = owned_accounts.account_id
    left join last_prices on fct_positions.symbol = last_prices.symbol
    where
        fct_positions.is_current
        and fct_positions.quantity <> 0
    group by owned_accounts.customer_id
),

-- Trades and watches belong to the customer who placed them.
trades as (
    select
        dim_customer.customer_id,
        count(case when dim_trade.status = 'Completed' then 1 end) as completed_trade_count,
        count(
            case
                when dim_trade.sk_close_date_id is null and dim_trade.status not in ('Completed', 'Canceled')
                    then 1
            end
        ) as open_trade_count,
        max(dim_trade.sk_create_date_id) as sk_last_trade_date_id,
        sum(coalesce(dim_trade.fee, 0) + coalesce(dim_trade.commission, 0)) as charges_amount
    from dim_trade
    inner join dim_customer on dim_trade.sk_customer_id = dim_customer.sk_customer_id
    group by dim_customer.customer_id
),

watches as (
    select
        dim_customer.customer_id,
        count(*) as watch_count
    from fct_watches
    inner join dim_customer on fct_watches.sk_customer_id = dim_customer.sk_customer_id
    where fct_watches.sk_date_id_date_removed is null
    group by dim_customer.customer_id
),

described as (
    select
        ---------- current state
        customers.customer_id,
        customers.sk_customer_id,
        customers.status,
        customers.tier,
        customers.agency_id,
        customers.marketing_nameplate,
        ---------- accounts
        cast(coalesce(accounts.account_count, 0) as integer) as account_count,
        cast(coalesce(accounts.active_account_count, 0) as integer) as active_account_count,
        ---------- wealth
        cast(coalesce(cash.cash_amount, 0) as decimal(38, 2)) as cash_amount,
        cast(coalesce(holdings.holdings_amount, 0) as decimal(38, 2)) as holdings_amount,
        cast(coalesce(cash.cash_amount, 0) + coalesce(holdings.holdings_amount, 0) as decimal(38, 2)) as total_amount,
        cast(coalesce(holdings.position_count, 0) as integer) as position_count,
        cast(coalesce(holdings.unpriced_position_count, 0) as integer) as unpriced_position_count,
        ---------- activity
        cast(coalesce(trades.completed_trade_count, 0) as integer) as completed_trade_count,
        cast(coalesce(trades.open_trade_count, 0) as integer) as open_trade_count,
        trades.sk_last_trade_date_id,
        cast(coalesce(trades.charges_amount, 0) as decimal(38, 2)) as charges_amount,
        cast(coalesce(watches.watch_count, 0) as integer) as watch_count
    from customers
    left join accounts on customers.customer_id = accounts.customer_id
    left join cash on customers.customer_id = cash.customer_id
    left join holdings on customers.customer_id = holdings.customer_id
    left join trades on customers.customer_id = trades.customer_id
    left join watches on customers.customer_id = watches.customer_id
)

select * from described
