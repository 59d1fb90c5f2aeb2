with

holdings as (
    select * from {{ ref('fct_holdings') }}
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

dim_time as (
    select * from {{ ref('dim_time') }}
),

dim_company as (
    select * from {{ ref('dim_company') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

counted as (
    select
        'FactHoldings' as message_source,
        holdings.batch_id,
        count(*) as row_count,
        count(*) filter (
            where dim_customer.sk_customer_id is not null
            and dim_broker.sk_broker_id is not null
            and dim_date.sk_date_id is not null
            and dim_time.sk_time_id is not null
            and dim_company.sk_company_id is not null
            and dim_security.sk_security_id is not null
        ) as joined_row_count
    from holdings
    left join dim_account on holdings.sk_account_id = dim_account.sk_account_id
    left join dim_customer on holdings.sk_customer_id = dim_customer.sk_customer_id
    left join dim_broker on dim_account.sk_broker_id = dim_broker.sk_broker_id
    left join dim_date on holdings.sk_date_id = dim_date.sk_date_id
    left join dim_time on holdings.sk_time_id = dim_time.sk_time_id
    left join dim_company on holdings.sk_company_id = dim_company.sk_company_id
    left join dim_security on holdings.sk_security_id = dim_security.sk_security_id
    group by holdings.batch_id
)

select * from counted
