-- What the versions that have a role said about each date, and what has happened; of several comparisons, the last one.
with

compared as (
    select
        outcomes.model_role,
        outcomes.as_of_date,
        outcomes.model_version,
        outcomes.example_count,
        outcomes.expected_count,
        outcomes.happened_count,
        outcomes.area,
        row_number() over (
            partition by outcomes.model_role, outcomes.as_of_date
            order by outcomes.checked_at desc, outcomes.run_id asc
        ) as newest
    from operations.fct_model_outcomes as outcomes
    inner join operations.fct_model_promotions as roles
        on
            outcomes.model_name = roles.model_name
            and outcomes.model_role = roles.model_role
            and outcomes.model_version = roles.model_version
            and roles.is_current
    where outcomes.model_name = $model_name
)

select
    as_of_date,
    model_role,
    model_version,
    example_count,
    expected_count,
    happened_count,
    area
from compared
where newest = 1
order by as_of_date desc, model_role asc
limit $most_rows
