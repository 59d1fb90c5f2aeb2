{{ config(materialized="view", meta={"unaffected_by_masks": true}) }}

with

dim_trade as (
    select * from {{ ref('dim_trade') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

dim_time as (
    select * from {{ ref('dim_time') }}
),

trade_types as (
    select * from {{ ref('trade_types') }}
),

-- A name that is listed twice must not double its trades.
directions as (
    select
        tt_name,
        max(case when tt_is_sell then 1 else 0 end) = 1 as is_sell
    from trade_types
    group by tt_name
),

-- Keys name one version each, so no join adds a row.
keyed as (
    select
        dim_trade.trade_id,
        dim_customer.customer_id,
        dim_account.account_id,
        dim_trade.sk_customer_id,
        dim_trade.sk_account_id,
        dim_trade.sk_broker_id,
        dim_trade.sk_security_id,
        dim_trade.sk_company_id,
        dim_trade.status,
        dim_trade.type,
        dim_trade.quantity * dim_trade.trade_price as traded_amount,
        dim_trade.fee as fee_amount,
        dim_trade.commission as commission_amount,
        directions.is_sell,
        create_date.date_value as placed_on,
        create_time.time_value as placed_time,
        close_date.date_value as closed_on,
        close_time.time_value as closed_time
    from dim_trade
    inner join dim_customer on dim_trade.sk_customer_id = dim_customer.sk_customer_id
    inner join dim_account on dim_trade.sk_account_id = dim_account.sk_account_id
    inner join dim_date as create_date on dim_trade.sk_create_date_id = create_date.sk_date_id
    inner join dim_time as create_time on dim_trade.sk_create_time_id = create_time.sk_time_id
    left join dim_date as close_date on dim_trade.sk_close_date_id = close_date.sk_date_id
    left join dim_time as close_time on dim_trade.sk_close_time_id = close_time.sk_time_id
    left join directions on dim_trade.type = directions.tt_name
),

described as (
    select
        trade_id,
        customer_id,
        account_id,
        sk_customer_id,
        sk_account_id,
        sk_broker_id,
        sk_security_id,
        sk_company_id,
        placed_on,
        closed_on,
        status,
        type,
        is_sell,
        status = 'Completed' as is_completed,
        status = 'Canceled' as is_canceled,
        cast(traded_amount as decimal(38, 2)) as traded_amount,
        fee_amount,
        commission_amount,
        cast(
            {{ days_between("placed_on", "closed_on") }} * 86400
            + {{ second_of_day("closed_time") }} - {{ second_of_day("placed_time") }}
            as bigint
        ) as seconds_to_close
    from keyed
)

select * from described
