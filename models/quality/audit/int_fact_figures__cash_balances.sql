with

cash_balances as (
    select * from {{ ref('fct_cash_balances') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
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

figures as (
    select * from {{ ref('int_audit_figures') }}
),

judged as (
    select
        cash_balances.batch_id,
        cash_balances.batch_id as inserted_batch_id,
        dim_customer.sk_customer_id is not null
        and dim_broker.sk_broker_id is not null
        and dim_date.sk_date_id is not null
            as is_joined,
        not {{ is_inside_version("dim_date.date_value", "dim_customer") }} as outside_customer,
        not {{ is_inside_version("dim_date.date_value", "dim_account") }} as outside_account,
        (dim_date.date_value between figures.first_day and figures.last_day) is not true as outside_batch
    from cash_balances
    left join dim_customer on cash_balances.sk_customer_id = dim_customer.sk_customer_id
    left join dim_account on cash_balances.sk_account_id = dim_account.sk_account_id
    left join dim_broker on dim_account.sk_broker_id = dim_broker.sk_broker_id
    left join dim_date on cash_balances.sk_date_id = dim_date.sk_date_id
    left join figures on cash_balances.batch_id = figures.batch_id
),

{{ fact_figures("FactCashBalances", "judged", ["outside_customer", "outside_account", "outside_batch"]) }}

select * from listed
