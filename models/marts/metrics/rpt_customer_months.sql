{{ config(materialized="view", meta={"unaffected_by_masks": true}) }}

with

months as (
    select * from {{ ref('rpt_months') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

-- The version that holds at the end of the month. The unknown customer is none.
customers as (
    select
        months.month_start_date,
        dim_customer.customer_id,
        dim_customer.sk_customer_id,
        case when dim_customer.status = 'Active' then 1 else 0 end as client_count
    from dim_customer
    inner join months
        on
            dim_customer.effective_date <= months.month_end_date
            and dim_customer.end_date > months.month_end_date
    where dim_customer.customer_id <> -1
),

compared as (
    select
        *,
        coalesce(lag(client_count) over (partition by customer_id order by month_start_date), 0) as opening_client_count
    from customers
),

counted as (
    select
        month_start_date,
        customer_id,
        sk_customer_id,
        cast(client_count as integer) as client_count,
        cast(opening_client_count as integer) as opening_client_count,
        cast(case when client_count > opening_client_count then 1 else 0 end as integer) as won_client_count,
        cast(case when client_count < opening_client_count then 1 else 0 end as integer) as lost_client_count
    from compared
)

select * from counted
