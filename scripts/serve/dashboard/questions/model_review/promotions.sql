-- The log of promotions of a model, the newest first.
select
    promoted_at,
    model_role,
    model_version,
    previous_version,
    reason,
    note,
    user_name,
    model_kind,
    learned_until,
    area,
    area_low,
    area_high,
    chance
from operations.fct_model_promotions
where model_name = $model_name
order by promoted_at desc, model_role asc
limit $most_rows
