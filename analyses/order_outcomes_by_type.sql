-- How many orders of each type are executed, and how many days do they wait?
-- One row per trade type.
with

trades as (
    select * from {{ ref('dim_trade') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

orders as (
    select
        trades.type,
        trades.status,
        close_date.date_value - create_date.date_value as days_open
    from trades
    inner join dim_date as create_date on trades.sk_create_date_id = create_date.sk_date_id
    left join dim_date as close_date on trades.sk_close_date_id = close_date.sk_date_id
),

outcomes as (
    select
        type,
        count(*) as order_count,
        count(case when status = 'Completed' then 1 end) as completed_count,
        count(case when status = 'Canceled' then 1 end) as canceled_count,
        count(case when status not in ('Completed', 'Canceled') then 1 end) as open_count,
        cast(avg(case when status = 'Completed' then days_open end) as decimal(18, 1)) as average_days_to_completion
    from orders
    group by type
)

select * from outcomes
order by type
