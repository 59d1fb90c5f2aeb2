-- What: for every file, as many quarantined rows are kept as the load log counts.
-- Why: quarantined rows are kept with their text, so that they can be corrected; a count alone would not
--   bring them back.
-- A returned row: a file whose two counts differ.
-- Last, so that the tables that explain it are there: {{ ref("di_messages") }}, {{ ref("audit_results") }},
--   {{ ref("batch_summary") }}
with

logged as (
    select
        batch_id,
        system,
        feed,
        record_source,
        sum(rows_quarantined) as row_count
    from {{ ref('load_log') }}
    where rows_quarantined > 0
    group by batch_id, system, feed, record_source
),

kept as (
    select
        batch_id,
        system,
        feed,
        record_source,
        count(*) as row_count
    from {{ ref('quarantined_rows') }}
    group by batch_id, system, feed, record_source
)

select
    batch_id,
    system,
    feed,
    record_source,
    logged.row_count as rows_logged,
    kept.row_count as rows_kept
from logged
full outer join kept using (batch_id, system, feed, record_source)
where
    logged.row_count is null
    or kept.row_count is null
    or logged.row_count <> kept.row_count
