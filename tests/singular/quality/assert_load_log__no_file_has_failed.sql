-- What: every file of the newest load of each batch was loaded, or may be missing.
-- Why: for a failed feed, the warehouse has the previous state, or nothing. The loader removes the entry
--   when the feed loads again, so an entry that still exists is a failure of the newest load.
-- A returned row: the file, and the message of the loader that says what to do.
-- Last, so that the tables that explain it are there: {{ ref("di_messages") }}, {{ ref("audit_results") }},
--   {{ ref("batch_summary") }}
select
    batch_id,
    system,
    feed,
    record_source,
    message
from {{ ref('load_log') }}
where status = 'failed'
