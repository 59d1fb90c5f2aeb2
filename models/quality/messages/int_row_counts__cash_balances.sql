with

cash_balances as (
    select * from {{ ref('fct_cash_balances') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_broker as (
    select * from {{ ref('dim_broker') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

counted as (
    select
        'FactCashBalances' as message_source,
        cash_balances.batch_id,
        count(*) as row_count,
        count(*) filter (
            where dim_customer.sk_customer_id is not null
            and dim_broker.sk_broker_id is not null
            and dim_date.sk_date_id is not null
        ) as joined_row_count
    from cash_balances
    left join dim_account on cash_balances.sk_account_id = dim_account.sk_account_id
    left join dim_customer on cash_balances.sk_customer_id = dim_customer.sk_customer_id
    left join dim_broker on dim_account.sk_broker_id = dim_broker.sk_broker_id
    left join dim_date on cash_balances.sk_date_id = dim_date.sk_date_id
    group by cash_balances.batch_id
)

select * from counted
