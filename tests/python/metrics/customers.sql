-- Clients at the beginning and the end of each period, and who came and went between the ends of its months.
-- {period}: the months that are one period, over `month_start`. {group}: what is asked for, over `period` and the tier at the end of its last month.
with

month_starts as (
    select distinct date_trunc('month', date_value) as month_start from marts.dim_date
    where
        date_value >= (select min(effective_date) from marts.dim_customer where customer_id <> -1)
        and sk_date_id <= (select max(sk_create_date_id) from marts.dim_trade)
),

states as (
    select
        {period} as period,
        months.month_start,
        version.tier,
        version.status = 'Active' as is_client,
        exists (
            select 1 from marts.dim_customer as before
            where
                before.customer_id = version.customer_id
                and before.effective_date < months.month_start
                and before.end_date >= months.month_start
                and before.status = 'Active'
        ) as was_client
    from month_starts as months
    inner join marts.dim_customer as version
        on
            version.effective_date < months.month_start + interval '1 month'
            and version.end_date >= months.month_start + interval '1 month'
            and version.customer_id <> -1
),

placed as (
    select
        *,
        min(month_start) over (partition by period) as first_month,
        max(month_start) over (partition by period) as last_month
    from states
),

figures as (
    select
        {group} as grouped,
        count(*) filter (where is_client and month_start = last_month) as clients,
        count(*) filter (where was_client and month_start = first_month) as opening_clients,
        count(*) filter (where is_client and not was_client) as clients_won,
        count(*) filter (where was_client and not is_client) as clients_lost
    from placed
    group by 1
)

select
    grouped as grouped,
    clients as clients,
    opening_clients as opening_clients,
    clients_won as clients_won,
    clients_lost as clients_lost,
    clients_lost * 1.0 / nullif(opening_clients, 0) as attrition_rate
from figures
