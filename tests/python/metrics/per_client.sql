-- Figures of several tables, by month, each straight from the star.
with

client_months as (
    select
        date_trunc('month', days.date_value) as month_start,
        count(*) as clients
    from marts.dim_date as days
    inner join marts.dim_customer as customer
        on
            days.date_value >= customer.effective_date
            and days.date_value < customer.end_date
            and customer.customer_id <> -1
            and customer.status = 'Active'
    where date_trunc('month', days.date_value) <> date_trunc('month', days.date_value + interval '1 day')
    group by 1
),

trade_months as (
    select
        date_trunc('month', date_value) as month_start,
        sum(coalesce(fee, 0) + coalesce(commission, 0)) as revenue,
        count(distinct customer_id) filter (where dim_trade.status = 'Completed') as trading_clients,
        sum(case when type like '%Buy' then 1 else -1 end * quantity * trade_price) filter (
            where dim_trade.status = 'Completed'
        ) as net_purchases
    from marts.dim_trade
    inner join marts.dim_date on sk_close_date_id = sk_date_id
    inner join marts.dim_customer using (sk_customer_id)
    group by 1
),

cash_months as (
    select
        date_trunc('month', case when cdc_flag is null then cast(applied_at as date) else batch_date end) as month_start,
        sum(transaction_amount) as net_cash
    from raw_vault.nhl_cash_transaction
    inner join raw_vault.ref_batch using (batch_id)
    group by 1
)

select
    month_start as grouped,
    coalesce(net_cash, 0) + coalesce(net_purchases, 0) as net_new_assets,
    cast(revenue as double precision) / nullif(clients, 0) as revenue_per_client,
    cast(trading_clients as double precision) / nullif(clients, 0) as active_client_share
from client_months
left join trade_months using (month_start)
left join cash_months using (month_start)
where month_start <= (select max(batch_date) from raw_vault.ref_batch)
