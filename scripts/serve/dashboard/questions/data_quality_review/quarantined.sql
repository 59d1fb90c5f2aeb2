-- Rows that violate the contract of their feed.
select
    batch_id,
    system,
    feed,
    record_source,
    source_row,
    reason,
    raw_text
from quality.quarantined_rows
where $batch_id is null or batch_id = $batch_id
order by batch_id desc, system asc, feed asc, record_source asc, source_row asc
limit $most_rows
