-- What the last comparison of a model has found, what is nearest to an act first.
with

last_check as (
    select max(checked_at) as checked_at
    from operations.fct_model_checks
    where model_name = $model_name
)

select
    checks.check_name,
    checks.subject,
    checks.state,
    checks.found_value,
    checks.watch_from,
    checks.act_from,
    checks.model_version,
    checks.published_batch_id,
    checks.checked_at
from operations.fct_model_checks as checks
inner join last_check on checks.checked_at = last_check.checked_at
where checks.model_name = $model_name
order by checks.found_value / checks.act_from desc, checks.check_name asc, checks.subject asc
limit $most_rows
