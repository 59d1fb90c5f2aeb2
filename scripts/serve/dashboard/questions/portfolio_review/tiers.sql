-- Tiers that clients have.
select distinct tier
from marts.dim_customer
where tier is not null
order by tier
