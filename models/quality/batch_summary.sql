{{ config(materialized="view", meta={"unaffected_by_masks": true}) }}

with

load_log as (
    select * from {{ ref('load_log') }}
),

rejected_rows as (
    select * from {{ ref('rejected_rows') }}
),

audit_results as (
    select * from {{ ref('audit_results') }}
),

batches as (
    select
        batch_id,
        cast(max(loaded_at) as date) as landed_on
    from load_log
    where status = 'loaded'
    group by batch_id
),

ends as (
    select
        min(batch_id) as first_batch_id,
        max(batch_id) as last_batch_id
    from batches
),

rejections as (
    select
        batch_id,
        count(*) as rejected_row_count
    from rejected_rows
    group by batch_id
),

-- A check of the empty warehouse belongs to the first batch, a check of all batches to the newest.
checks as (
    select
        greatest(coalesce(audit_results.batch_id, ends.last_batch_id), ends.first_batch_id) as batch_id,
        count(*) as audit_check_count,
        count(case when audit_results.result = 'OK' then 1 end) as audit_check_ok_count
    from audit_results
    cross join ends
    group by greatest(coalesce(audit_results.batch_id, ends.last_batch_id), ends.first_batch_id)
),

counted as (
    select
        batches.batch_id,
        batches.landed_on,
        cast(coalesce(rejections.rejected_row_count, 0) as bigint) as rejected_row_count,
        cast(coalesce(checks.audit_check_count, 0) as bigint) as audit_check_count,
        cast(coalesce(checks.audit_check_ok_count, 0) as bigint) as audit_check_ok_count
    from batches
    left join rejections on batches.batch_id = rejections.batch_id
    left join checks on batches.batch_id = checks.batch_id
)

select * from counted
