-- Rejected rows and checks of each batch, each counted where it is kept.
with

numbers as (
    select distinct batch_id from quality.load_log where status = 'loaded'
),

checks as (
    select
        case
            when batch_id is null then (select max(batch_id) from numbers)
            when batch_id = 0 then 1
            else batch_id
        end as batch_id,
        result
    from quality.audit_results
)

select
    numbers.batch_id as grouped,
    (select count(*) from quality.rejected_rows as rejected where rejected.batch_id = numbers.batch_id) as source_rows_rejected,
    count(result) as audit_checks,
    count(*) filter (where result = 'OK') as audit_checks_ok,
    count(*) filter (where result = 'OK') * 1.0 / count(result) as audit_pass_rate
from numbers
left join checks using (batch_id)
group by numbers.batch_id
