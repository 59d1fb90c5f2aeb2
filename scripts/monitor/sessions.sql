-- One row per session that waits for a lock of another one, or has a transaction open and does nothing; `blockers` are those at the head of its queue.
with recursive waits as (
    select
        pid,
        unnest(pg_blocking_pids(pid)) as blocked_by
    from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
),

chains as (
    select
        pid,
        blocked_by
    from waits
    union
    select
        chains.pid,
        waits.blocked_by
    from chains
    inner join waits on chains.blocked_by = waits.pid
),

heads as (
    select
        pid,
        array_agg(distinct blocked_by order by blocked_by) filter (
            where blocked_by not in (select waits.pid from waits)
        ) as blockers
    from chains
    group by pid
),

waiting as (
    select
        pid,
        min(waitstart) as since
    from pg_locks
    where not granted
    group by pid
)

select
    activity.pid,
    coalesce(activity.usename, '') as user_name,
    coalesce(activity.application_name, '') as application,
    coalesce(activity.state, '') as state,
    coalesce(heads.blockers, array[]::integer []) as blockers,
    heads.pid is not null as is_blocked,
    coalesce(
        extract(epoch from clock_timestamp() - coalesce(waiting.since, activity.state_change)), 0
    )::float8 as seconds
from pg_stat_activity as activity
left join heads on activity.pid = heads.pid
left join waiting on activity.pid = waiting.pid
where
    activity.datname = current_database()
    and activity.pid <> pg_backend_pid()
    and activity.backend_type = 'client backend'
order by activity.pid
