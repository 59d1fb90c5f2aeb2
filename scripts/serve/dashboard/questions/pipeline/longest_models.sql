-- The models that took longest when they ran last.
with

models as (
    select
        node_name,
        seconds,
        row_number() over (partition by node_id order by started_at desc) as newest
    from operations.fct_node_runs
    where node_kind = 'model' and status = 'success'
)

select
    node_name,
    seconds
from models
where newest = 1
order by seconds desc, node_name asc
limit 12
