-- Arrivals of feeds with rows that violate their contract, the newest first.
select
    batch_id,
    batch_date,
    system,
    feed,
    rows_read,
    rows_landed,
    rows_quarantined,
    cast(rows_quarantined as double precision) / nullif(rows_read, 0) as quarantine_share,
    loaded_at
from operations.fct_feed_arrivals
where rows_quarantined > 0
order by batch_id desc, rows_quarantined desc, system asc, feed asc
limit $most_rows
