-- What was read is in the load log, what was quarantined is also kept row by row. {group}: over the columns of both.
with

files as (
    select
        {group} as grouped,
        sum(rows_read) filter (where status = 'loaded') as rows_read,
        count(*) filter (where status = 'failed') as failed,
        sum(seconds) filter (where status = 'loaded') as seconds
    from quality.load_log
    group by 1
),

quarantined as (
    select {group} as grouped, count(*) as row_count from quality.quarantined_rows group by 1
)

select
    files.grouped as grouped,
    rows_read as source_rows_read,
    coalesce(row_count, 0) as source_rows_quarantined,
    cast(coalesce(row_count, 0) as double precision) / nullif(rows_read, 0) as quarantine_rate,
    failed as files_failed,
    seconds as load_time
from files
left join quarantined on files.grouped is not distinct from quarantined.grouped
