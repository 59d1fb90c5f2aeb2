-- Branches that have a broker.
select distinct branch
from marts.dim_broker
where branch is not null
order by branch
