-- The last arrival of each feed, those that are oldest first.
with

arrivals as (
    select
        system,
        feed,
        batch_id,
        batch_date,
        loaded_at,
        has_failed,
        file_count,
        rows_landed,
        rows_quarantined,
        row_number() over (partition by system, feed order by batch_id desc) as newest
    from operations.fct_feed_arrivals
    where file_count > 0 or has_failed
)

select
    system,
    feed,
    batch_id,
    batch_date,
    loaded_at,
    has_failed,
    file_count,
    rows_landed,
    rows_quarantined
from arrivals
where newest = 1
order by batch_date, system, feed
limit $most_rows
