-- Files as they were loaded last: those that failed first.
select
    batch_id,
    system,
    feed,
    record_source,
    status,
    rows_read,
    rows_landed,
    rows_quarantined,
    file_bytes,
    seconds,
    loaded_at,
    message
from quality.load_log
where $batch_id is null or batch_id = $batch_id
order by
    case status when 'failed' then 0 else 1 end asc,
    batch_id desc,
    system asc,
    feed asc,
    record_source asc
limit $most_rows
