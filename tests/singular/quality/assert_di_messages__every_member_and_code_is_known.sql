-- What: everything that a dimension refers to is known, and every code is in its list.
-- Why: the row is there, under the unknown member (the zero key) or the name Unknown; what is counted by broker,
--   customer,
--   company, status or type is not complete until the reference or the list is corrected.
-- A returned row: one reference or code, with the row that has it.
{{ config(severity = 'warn') }}

select
    batch_id,
    message_source,
    message_text,
    message_data
from {{ ref('di_messages') }}
where message_text in ('Unknown member', 'Unknown code')
