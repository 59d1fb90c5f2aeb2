-- What: every batch adds as many prospects as the data generator counted as new (attribute P_NEW).
-- Why: every batch has the full list; a match by the wrong key would insert known prospects again.
-- A returned row: a batch with both counts, which differ. Without audit files there is no row.
-- After the marts, so that a row that fails it stops none of them: {{ ref("rejected_rows") }}
with

expected as (
    select
        batch_id,
        sum(integer_value) as prospect_count
    from {{ ref('stg_control__audit_counts') }}
    where
        data_set = 'Prospect'
        and attribute = 'P_NEW'
    group by batch_id
),

firsts as (
    select
        prospect_hk,
        min(batch_id) as batch_id
    from {{ ref('bv_prospect__history') }}
    group by prospect_hk
),

actual as (
    select
        batch_id,
        count(*) as prospect_count
    from firsts
    group by batch_id
)

select
    expected.batch_id,
    expected.prospect_count as expected_prospect_count,
    actual.prospect_count as actual_prospect_count
from expected
left join actual on expected.batch_id = actual.batch_id
where expected.prospect_count <> coalesce(actual.prospect_count, 0)
