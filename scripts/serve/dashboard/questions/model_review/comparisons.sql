-- The comparisons of a model, the newest first: how many checks are to be watched or acted upon, and the largest drift.
select
    checked_at,
    model_version,
    published_batch_id,
    count(*) as check_count,
    count(case when state = 'watch' then 1 end) as watched_check_count,
    count(case when state = 'act' then 1 end) as failed_check_count,
    max(case when check_name = 'score_drift' then found_value end) as score_drift,
    max(case when check_name = 'input_drift' then found_value end) as largest_input_drift
from operations.fct_model_checks
where model_name = $model_name
group by run_id, checked_at, model_version, published_batch_id
order by checked_at desc, run_id asc
limit $most_rows
