-- Cash from balances, holdings from the changes of holdings, prices from the market; the last of each that is known at the end of a month.
-- {period}: the months that are one period, over `month_start`. {group}: what is asked for, over the columns of `states`.
with

known as (
    select max(date_value) as last_day from marts.dim_date
    where sk_date_id in (
        (select max(sk_date_id) from marts.fct_cash_balances),
        (select max(sk_create_date_id) from marts.dim_trade),
        (select max(sk_close_date_id) from marts.dim_trade),
        (select max(sk_date_id) from marts.fct_market_history)
    )
),

month_ends as (
    select
        date_trunc('month', date_value) as month_start,
        max(date_value) as month_end
    from marts.dim_date
    cross join known
    where date_value >= (select min(effective_date) from marts.dim_customer where customer_id <> -1)
    group by 1
    having date_trunc('month', max(date_value)) <= date_trunc('month', max(known.last_day))
),

reported as (
    select {period} as period, max(month_start) as month_start, max(month_end) as month_end
    from month_ends
    group by 1
),

cash_history as (
    select
        period,
        account_id,
        cash,
        row_number() over (partition by period, account_id order by sk_date_id desc) as recency
    from reported
    inner join marts.dim_date on date_value <= month_end
    inner join marts.fct_cash_balances using (sk_date_id)
    inner join marts.dim_account using (sk_account_id)
),

holding_history as (
    select
        period,
        account_id,
        symbol,
        holding.trade_id,
        current_holding,
        opening.trade_price as cost_price,
        row_number() over (
            partition by period, account_id, symbol, holding.trade_id
            order by holding.sk_date_id desc, holding.sk_time_id desc, holding.current_trade_id desc
        ) as recency
    from reported
    inner join marts.dim_date on date_value <= month_end
    inner join marts.fct_holdings as holding using (sk_date_id)
    inner join marts.dim_account as account on holding.sk_account_id = account.sk_account_id
    inner join marts.dim_security as security on holding.sk_security_id = security.sk_security_id
    inner join marts.dim_trade as opening on holding.trade_id = opening.trade_id
),

shares as (
    select period, account_id, symbol, sum(current_holding) as quantity, sum(current_holding * cost_price) as cost
    from holding_history
    where recency = 1
    group by period, account_id, symbol
    having sum(current_holding) <> 0
),

price_history as (
    select
        period,
        symbol,
        close_price,
        row_number() over (partition by period, symbol order by sk_date_id desc) as recency
    from reported
    inner join marts.dim_date on date_value <= month_end
    inner join marts.fct_market_history using (sk_date_id)
    inner join marts.dim_security using (sk_security_id)
),

portfolios as (
    select period, account_id, sum(quantity * close_price) as holdings, sum(cost) as cost
    from shares
    inner join price_history using (period, symbol)
    where recency = 1
    group by period, account_id
),

states as (
    select
        reported.period,
        account.account_id,
        account.status as account_status,
        customer.tier,
        broker.branch,
        coalesce(cash_history.cash, 0) as cash,
        coalesce(portfolios.holdings, 0) as holdings,
        coalesce(portfolios.cost, 0) as cost
    from reported
    inner join marts.dim_account as account on month_end >= account.effective_date and month_end < account.end_date
    left join marts.dim_customer as customer on account.sk_customer_id = customer.sk_customer_id
    left join marts.dim_broker as broker on account.sk_broker_id = broker.sk_broker_id
    left join cash_history
        on
            reported.period = cash_history.period
            and account.account_id = cash_history.account_id
            and cash_history.recency = 1
    left join portfolios
        on
            reported.period = portfolios.period
            and account.account_id = portfolios.account_id
)

select
    {group} as grouped,
    sum(cash) as cash_balance,
    sum(holdings) as holdings_value,
    sum(cost) as holdings_cost,
    sum(holdings) - sum(cost) as unrealized_gain,
    sum(cash) + sum(holdings) as assets_under_custody,
    cast(sum(cash) as double precision) / nullif(sum(cash) + sum(holdings), 0) as cash_share,
    count(*) filter (where account_status = 'Active') as active_accounts
from states
group by 1
