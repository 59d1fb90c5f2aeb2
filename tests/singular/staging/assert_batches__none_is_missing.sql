-- What: the numbers of the batches that were loaded have no gap, from 1 on.
-- Why: what a missing batch would have changed is old in every table, and each balance and position
--   lacks its changes. A late batch may come; until then somebody should know.
-- A returned row: the first and the last number of a gap, and the batch after it.
{{ config(severity = 'warn') }}

with

load_log as (
    select * from {{ ref('stg_control__load_log') }}
),

loaded as (
    select distinct batch_id
    from load_log
    where status = 'loaded'
),

followed as (
    select
        coalesce(lag(batch_id) over (order by batch_id), 0) as previous_batch_id,
        batch_id
    from loaded
)

select
    previous_batch_id + 1 as first_missing_batch_id,
    batch_id - 1 as last_missing_batch_id,
    batch_id as next_batch_id
from followed
where batch_id > previous_batch_id + 1
