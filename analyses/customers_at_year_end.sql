-- How many customers did we have at the end of each year, and how many of them were active?
-- One row per year. The version that held on a day has effective_date <= day < end_date, whatever came later.
with

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

known as (
    select
        min(effective_date) as first_day,
        max(effective_date) as last_day
    from dim_customer
),

year_ends as (
    select
        dim_date.calendar_year_id,
        max(dim_date.date_value) as year_end
    from dim_date
    inner join known on dim_date.date_value >= known.first_day and dim_date.date_value <= known.last_day
    group by dim_date.calendar_year_id
),

customers as (
    select
        year_ends.calendar_year_id,
        year_ends.year_end,
        count(*) as customer_count,
        count(case when dim_customer.status = 'Active' then 1 end) as active_customer_count
    from year_ends
    inner join dim_customer
        on
            year_ends.year_end >= dim_customer.effective_date
            and year_ends.year_end < dim_customer.end_date
    group by year_ends.calendar_year_id, year_ends.year_end
)

select * from customers
order by year_end
