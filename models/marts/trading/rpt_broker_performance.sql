with

dim_trade as (
    select * from {{ ref('dim_trade') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_broker as (
    select * from {{ ref('dim_broker') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

trades as (
    select
        dim_trade.sk_broker_id,
        dim_account.account_id,
        cast(date_trunc('month', dim_date.date_value) as date) as month_start_date,
        dim_trade.status = 'Completed' as is_completed,
        dim_trade.status = 'Canceled' as is_canceled,
        dim_trade.quantity * dim_trade.trade_price as traded_amount,
        dim_trade.fee,
        dim_trade.commission
    from dim_trade
    inner join dim_account on dim_trade.sk_account_id = dim_account.sk_account_id
    inner join dim_date on dim_trade.sk_close_date_id = dim_date.sk_date_id
),

monthly as (
    select
        sk_broker_id,
        month_start_date,
        cast(count(case when is_completed then 1 end) as integer) as completed_trade_count,
        cast(count(case when is_canceled then 1 end) as integer) as canceled_trade_count,
        cast(count(distinct account_id) as integer) as account_count,
        cast(coalesce(sum(traded_amount), 0) as decimal(38, 2)) as traded_amount,
        cast(coalesce(sum(fee), 0) as decimal(38, 2)) as fee_amount,
        cast(coalesce(sum(commission), 0) as decimal(38, 2)) as commission_amount
    from trades
    group by sk_broker_id, month_start_date
),

described as (
    select
        monthly.sk_broker_id,
        monthly.month_start_date,
        dim_broker.broker_id,
        dim_broker.branch,
        monthly.completed_trade_count,
        monthly.canceled_trade_count,
        monthly.account_count,
        monthly.traded_amount,
        monthly.fee_amount,
        monthly.commission_amount
    from monthly
    inner join dim_broker on monthly.sk_broker_id = dim_broker.sk_broker_id
)

select * from described
