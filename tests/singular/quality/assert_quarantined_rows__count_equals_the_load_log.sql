-- What: as many quarantined rows are kept as the loader says it set aside, file by file.
-- Why: a quarantined row is promised to be kept with its text; the count alone would not bring it
--   back.
-- A returned row: a file whose two counts differ.
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
