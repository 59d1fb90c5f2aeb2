-- Closed trades straight from the star. {group}: what is asked for, over the columns of `star`.
with

star as (
    select
        trade.*,
        customer.customer_id,
        customer.tier,
        customer.state_prov,
        account.account_id,
        account.status as account_status,
        broker.branch,
        security.exchange_id,
        company.industry,
        close_day.date_value as closed_on,
        cast(close_day.date_value - create_day.date_value as bigint) * 24 * 60 * 60
        + cast(close_time.hour_id - create_time.hour_id as bigint) * 60 * 60
        + cast(close_time.minute_id - create_time.minute_id as bigint) * 60
        + cast(close_time.second_id - create_time.second_id as bigint) as fill_seconds,
        coalesce(trade.fee, 0) + coalesce(trade.commission, 0) as revenue
    from marts.dim_trade as trade
    left join marts.dim_customer as customer on trade.sk_customer_id = customer.sk_customer_id
    left join marts.dim_account as account on trade.sk_account_id = account.sk_account_id
    left join marts.dim_broker as broker on trade.sk_broker_id = broker.sk_broker_id
    left join marts.dim_security as security on trade.sk_security_id = security.sk_security_id
    left join marts.dim_company as company on trade.sk_company_id = company.sk_company_id
    left join marts.dim_date as create_day on trade.sk_create_date_id = create_day.sk_date_id
    left join marts.dim_date as close_day on trade.sk_close_date_id = close_day.sk_date_id
    left join marts.dim_time as create_time on trade.sk_create_time_id = create_time.sk_time_id
    left join marts.dim_time as close_time on trade.sk_close_time_id = close_time.sk_time_id
    where trade.sk_close_date_id is not null
),

figures as (
    select
        {group} as grouped,
        count(*) filter (where status = 'Completed') as completed,
        count(*) filter (where status = 'Canceled') as canceled,
        coalesce(sum(quantity * trade_price) filter (where status = 'Completed' and type like '%Buy'), 0) as bought,
        coalesce(sum(quantity * trade_price) filter (where status = 'Completed' and type like '%Sell'), 0) as sold,
        coalesce(sum(commission), 0) as commission,
        coalesce(sum(fee), 0) as fee,
        sum(revenue) as revenue,
        count(distinct customer_id) filter (where status = 'Completed') as clients,
        count(distinct account_id) filter (where status = 'Completed') as accounts,
        count(distinct sk_broker_id) filter (where status = 'Completed') as brokers,
        avg(fill_seconds) filter (where status = 'Completed') as mean_seconds,
        percentile_cont(0.5) within group (order by case when status = 'Completed' then fill_seconds end) as median_seconds
    from star
    group by 1
)

select
    grouped as grouped,
    completed as trades_completed,
    canceled as trades_canceled,
    completed + canceled as trades_closed,
    canceled * 1.0 / nullif(completed + canceled, 0) as cancellation_rate,
    bought + sold as traded_notional,
    bought as bought_notional,
    sold as sold_notional,
    bought - sold as net_purchases,
    commission as commission_income,
    fee as fee_income,
    revenue as trading_revenue,
    cast(commission as double precision) / nullif(bought + sold, 0) as commission_rate,
    cast(revenue as double precision) / nullif(completed, 0) as revenue_per_trade,
    clients as trading_clients,
    accounts as trading_accounts,
    cast(completed as double precision) / nullif(clients, 0) as trades_per_trading_client,
    brokers as trading_brokers,
    cast(revenue as double precision) / nullif(brokers, 0) as revenue_per_broker,
    mean_seconds as average_order_fill_seconds,
    median_seconds as median_order_fill_seconds
from figures
