with

test_results as (
    select * from {{ ref('fct_test_results') }}
),

runs as (
    select * from {{ ref('fct_runs') }}
),

judged as (
    select
        runs.warehouse,
        test_results.node_id,
        test_results.test_name,
        test_results.tested_at,
        test_results.invocation,
        test_results.status,
        test_results.status in ('fail', 'error', 'runtime error') as has_failed
    from test_results
    inner join runs on test_results.run_id = runs.run_id
    where test_results.status <> 'skipped'
),

-- A flip is a change from green to red or back.
compared as (
    select
        *,
        lag(has_failed) over (partition by warehouse, node_id order by tested_at, invocation) as had_failed,
        row_number() over (partition by warehouse, node_id order by tested_at desc, invocation desc) as age
    from judged
),

final as (
    select
        warehouse,
        node_id,
        max(test_name) as test_name,
        cast(count(*) as integer) as run_count,
        cast(count(case when has_failed then 1 end) as integer) as failed_count,
        cast(count(case when status = 'warn' then 1 end) as integer) as warned_count,
        cast(count(case when has_failed <> had_failed then 1 end) as integer) as flip_count,
        max(case when age = 1 then status end) as last_status,
        max(tested_at) as last_tested_at,
        max(case when has_failed then tested_at end) as last_failed_at
    from compared
    group by warehouse, node_id
)

select * from final
