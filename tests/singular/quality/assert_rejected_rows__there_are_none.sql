-- What: a row of a fact can be made of every source row that keeps its contract.
-- Why: rejected rows are missing from the marts, so their totals are incomplete until the rows, or what they refer
--   to, are delivered again. Everything else of the batch is right.
-- A returned row: one rejected source row; `reason` says what is wrong.
-- Last, so that what counts them is there: {{ ref("batch_summary") }}
select
    batch_id,
    record_source,
    source_row,
    model_name,
    business_key,
    reason
from {{ ref('rejected_rows') }}
