-- What clients have today, per client who is active today.
select
    null as grouped,
    cast(sum(total_amount) as double precision) / count(*) filter (where status = 'Active') as assets_per_client
from marts.rpt_customer_360
