with

holdings as (
    select * from {{ ref('fct_holdings') }}
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

dim_company as (
    select * from {{ ref('dim_company') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_trade as (
    select * from {{ ref('dim_trade') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

dim_time as (
    select * from {{ ref('dim_time') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

-- The versions are those of the day on which the trade was created: they may have ended before the trade closed.
judged as (
    select
        holdings.batch_id,
        holdings.batch_id as inserted_batch_id,
        dim_customer.sk_customer_id is not null
        and dim_broker.sk_broker_id is not null
        and dim_date.sk_date_id is not null
        and dim_time.sk_time_id is not null
        and dim_company.sk_company_id is not null
        and dim_security.sk_security_id is not null
            as is_joined,
        (dim_customer.effective_date <= dim_date.date_value) is not true as without_customer,
        (dim_account.effective_date <= dim_date.date_value) is not true as without_account,
        (dim_company.effective_date <= dim_date.date_value) is not true as without_company,
        (dim_security.effective_date <= dim_date.date_value) is not true as without_security,
        (
            holdings.sk_date_id = dim_trade.sk_close_date_id
            and holdings.sk_time_id = dim_trade.sk_close_time_id
        ) is not true as not_at_close,
        (dim_date.date_value between figures.first_day and figures.last_day) is not true as outside_batch
    from holdings
    left join dim_customer on holdings.sk_customer_id = dim_customer.sk_customer_id
    left join dim_account on holdings.sk_account_id = dim_account.sk_account_id
    left join dim_broker on dim_account.sk_broker_id = dim_broker.sk_broker_id
    left join dim_company on holdings.sk_company_id = dim_company.sk_company_id
    left join dim_security on holdings.sk_security_id = dim_security.sk_security_id
    left join dim_trade on holdings.current_trade_id = dim_trade.trade_id
    left join dim_date on holdings.sk_date_id = dim_date.sk_date_id
    left join dim_time on holdings.sk_time_id = dim_time.sk_time_id
    left join figures on holdings.batch_id = figures.batch_id
),

{{ fact_figures("FactHoldings", "judged", [
    "without_customer",
    "without_account",
    "without_company",
    "without_security",
    "not_at_close",
    "outside_batch",
]) }}

select * from listed
