-- What: as many brokers, and as many surrogate keys, as the data generator counted in the list of
--   employees (audit checks 8 and 9).
-- Why: a misread job code loses or invents brokers, and every account and trade depends on one.
-- A returned row: the three counts, which differ. Without audit files there is nothing to compare,
--   and no row.
-- After the marts, so that a row that fails it stops none of them: {{ ref("rejected_rows") }}
with

expected as (
    select sum(integer_value) as broker_count
    from {{ ref('stg_control__audit_counts') }}
    where
        data_set = 'DimBroker'
        and attribute = 'HR_BROKERS'
),

actual as (
    select
        count(*) as row_count,
        count(distinct sk_broker_id) as key_count
    from {{ ref('dim_broker') }}
    where sk_broker_id <> {{ zero_key() }}
)

select
    expected.broker_count,
    actual.row_count,
    actual.key_count
from expected
cross join actual
where
    expected.broker_count <> actual.row_count
    or expected.broker_count <> actual.key_count
