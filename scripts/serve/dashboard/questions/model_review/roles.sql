-- The versions of a model that have a role now, with their figures on the hold-out; the champion first.
select
    model_role,
    model_version,
    promoted_at,
    model_kind,
    learned_until,
    example_count,
    area,
    area_low,
    area_high,
    chance
from operations.fct_model_promotions
where is_current and model_name = $model_name
order by model_role asc, promoted_at desc
