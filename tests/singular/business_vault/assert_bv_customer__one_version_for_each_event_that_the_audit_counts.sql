-- What: the historical batch makes one version for each NEW, UPDCUST and INACT that the data generator counted,
-- less those that share a day (attribute C_ID_HIST; the official generator writes 0 there and has none at small
-- scales).
-- Why: an event that is lost, doubled or completed from the wrong neighbour changes the number of versions.
-- A returned row: both counts, which differ. Without audit files there is nothing to compare with, and no row.
with

expected as (
    select
        sum(
            case when attribute = 'C_ID_HIST' then -integer_value else integer_value end
        ) as version_count
    from {{ ref('stg_control__audit_counts') }}
    where
        data_set = 'DimCustomer'
        and batch_id = 1
        and attribute in ('C_NEW', 'C_UPDCUST', 'C_INACT', 'C_ID_HIST')
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
