-- What: there are as many watches as were placed, and as many removed ones as were canceled (audit
--   checks 83 and 85).
-- Why: a cancellation that does not find its watch, because the customer has a newer version by then,
--   would leave it open forever. Rejected events do not count.
-- A returned row: the counts, which differ.
with

events as (
    select
        count(*) filter (where action_code = 'ACTV') as set_count,
        count(*) filter (where action_code = 'CNCL') as canceled_count
    from {{ ref('nhl_watch_event') }}
    where
        (batch_id, record_source, source_row) not in (
            select
                rejected.batch_id,
                rejected.record_source,
                rejected.source_row
            from {{ ref('rejected_rows') }} as rejected
            where rejected.model_name = 'fct_watches'
        )
),

watches as (
    select
        count(*) as watch_count,
        count(sk_date_id_date_removed) as removed_count
    from {{ ref('fct_watches') }}
)

select
    events.set_count,
    watches.watch_count,
    events.canceled_count,
    watches.removed_count
from events
cross join watches
where
    events.set_count <> watches.watch_count
    or events.canceled_count <> watches.removed_count
