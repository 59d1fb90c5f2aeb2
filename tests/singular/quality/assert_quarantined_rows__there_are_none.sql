-- What: no row of any source violates its contract.
-- Why: quarantined rows are missing from every table of the warehouse. That is intended, but somebody
--   should look at them.
-- A returned row: one quarantined row, so the number in the warning is how many there are; `reason`
--   says what is wrong.
{{ config(severity = 'warn') }}

select
    batch_id,
    record_source,
    source_row,
    reason,
    raw_text
from {{ ref('quarantined_rows') }}
