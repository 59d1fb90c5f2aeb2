-- Tests that were red or changed their minds, those that flip most first.
select
    test_name,
    run_count,
    failed_count,
    warned_count,
    flip_count,
    last_status,
    last_tested_at,
    last_failed_at
from operations.rpt_test_reliability
where failed_count > 0 or warned_count > 0 or flip_count > 0
order by flip_count desc, failed_count desc, test_name asc
limit $most_rows
