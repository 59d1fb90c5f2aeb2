-- What: for every file, rows read = rows landed + rows quarantined.
-- Why: nothing may be lost between a source file and the lake.
-- A returned row: a file with rows that are in neither place, or in both.
-- Last, so that the tables that explain it are there: {{ ref("di_messages") }}, {{ ref("audit_results") }},
--   {{ ref("batch_summary") }}
select
    batch_id,
    record_source,
    rows_read,
    rows_landed,
    rows_quarantined
from {{ ref('load_log') }}
where rows_read <> rows_landed + rows_quarantined
