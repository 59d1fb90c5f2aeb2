-- What has been collected up to the end of each month.
with

closed as (
    select
        date_value as closed_on,
        status,
        coalesce(commission, 0) as commission
    from marts.dim_trade
    inner join marts.dim_date on sk_close_date_id = sk_date_id
),

months as (
    select distinct date_trunc('month', closed_on) as month_start from closed
)

select
    months.month_start as grouped,
    sum(commission) filter (
        where extract(year from closed_on) = extract(year from month_start)
    ) as commission_income_year_to_date,
    count(*) filter (
        where status = 'Completed' and closed_on >= month_start - interval '11 months'
    ) as trades_completed_in_twelve_months
from months
inner join closed on closed.closed_on < months.month_start + interval '1 month'
group by months.month_start
