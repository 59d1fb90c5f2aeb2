-- What: the historical batch holds as many customer actions and newswire records of each kind as
--   the data generator says it wrote.
-- Why: the load log compares the lake with the file; this compares it with what should have been in
--   the file.
-- A returned row: a kind of record and both numbers. Without audit files there is nothing to
--   compare, and no row.
-- After the marts, so that a row that fails it stops none of them: {{ ref("rejected_rows") }}
with

audit_counts as (
    select * from {{ ref('stg_control__audit_counts') }}
),

records as (
    select
        batch_id,
        case action_type
            when 'NEW' then 'C_NEW'
            when 'UPDCUST' then 'C_UPDCUST'
            when 'INACT' then 'C_INACT'
            when 'ADDACCT' then 'CA_ADDACCT'
            when 'UPDACCT' then 'CA_UPDACCT'
            when 'CLOSEACCT' then 'CA_CLOSEACCT'
        end as attribute
    from {{ ref('stg_crm__customer_actions') }}
    union all
    select
        batch_id,
        'FW_CMP' as attribute
    from {{ ref('stg_finwire__companies') }}
    union all
    select
        batch_id,
        'FW_SEC' as attribute
    from {{ ref('stg_finwire__securities') }}
    union all
    select
        batch_id,
        'FW_FIN' as attribute
    from {{ ref('stg_finwire__financials') }}
),

expected as (
    select
        attribute,
        sum(integer_value) as record_count
    from audit_counts
    where
        batch_id = 1
        and attribute in (
            'C_NEW', 'C_UPDCUST', 'C_INACT', 'CA_ADDACCT', 'CA_UPDACCT', 'CA_CLOSEACCT',
            'FW_CMP', 'FW_SEC', 'FW_FIN'
        )
    group by attribute
),

actual as (
    select
        attribute,
        count(*) as record_count
    from records
    where batch_id = 1
    group by attribute
)

select
    expected.attribute,
    expected.record_count as expected_count,
    coalesce(actual.record_count, 0) as actual_count
from expected
left join actual on expected.attribute = actual.attribute
where expected.record_count <> coalesce(actual.record_count, 0)
