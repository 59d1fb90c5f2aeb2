-- What: the historical batch makes one version for each NEW, UPDCUST and INACT that the data generator counted,
-- less those that share a day with another one of the same customer. They are counted in the feed, because the
-- official generator writes 0 into its attribute for them (C_ID_HIST) without counting.
-- Why: an event that is lost, duplicated or completed from the wrong event changes the number of versions.
-- A returned row: both counts, which differ. Without audit files there is nothing to compare, and no row.
-- After the marts, so that a row that fails it stops none of them: {{ ref("rejected_rows") }}
with

counted as (
    select sum(integer_value) as event_count
    from {{ ref('stg_control__audit_counts') }}
    where
        data_set = 'DimCustomer'
        and batch_id = 1
        and attribute in ('C_NEW', 'C_UPDCUST', 'C_INACT')
),

event_days as (
    select
        customer_id,
        cast(applied_at as date) as event_day,
        count(*) as event_count
    from {{ ref('stg_crm__customer_actions') }}
    where
        batch_id = 1
        and action_type in ('NEW', 'UPDCUST', 'INACT')
    group by customer_id, cast(applied_at as date)
),

merged as (
    select coalesce(sum(event_count - 1), 0) as event_count
    from event_days
),

expected as (
    select counted.event_count - merged.event_count as version_count
    from counted
    cross join merged
),

actual as (
    select count(*) as version_count
    from {{ ref('bv_customer__state') }}
    where batch_id = 1
)

select
    expected.version_count as expected_version_count,
    actual.version_count as actual_version_count
from expected
cross join actual
where expected.version_count <> actual.version_count
