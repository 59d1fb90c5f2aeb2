-- Which branches earned the most in the last twelve months, and how does that compare with the twelve months before?
-- One row per branch. The newest month may be incomplete and is counted as it is.
with

performance as (
    select * from {{ ref('rpt_broker_performance') }}
),

newest as (
    select max(month_start_date) as month_start_date
    from performance
),

months as (
    select
        performance.branch,
        performance.sk_broker_id,
        performance.fee_amount + performance.commission_amount as charges_amount,
        performance.month_start_date > {{ dbt.dateadd("month", -12, "newest.month_start_date") }} as is_last_year
    from performance
    cross join newest
    where performance.month_start_date > {{ dbt.dateadd("month", -24, "newest.month_start_date") }}
),

branches as (
    select
        branch,
        count(distinct sk_broker_id) as broker_count,
        coalesce(sum(case when is_last_year then charges_amount end), 0) as charges_amount,
        coalesce(sum(case when not is_last_year then charges_amount end), 0) as charges_amount_year_before
    from months
    group by branch
)

select * from branches
order by charges_amount desc, branch asc
limit 20
