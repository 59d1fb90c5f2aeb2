-- One row per feed, batch and attempt: what landed, or why not. The log of a failed attempt lies beside that of an earlier load.
select
    batch_id,
    system || '.' || feed as label,
    ends_with(filename, '.failure.parquet') as has_failed,
    bool_or(status = 'loaded') as has_files,
    bool_or(status = 'failed' and sha256 is null and file_bytes = 0) as is_missing,
    cast(sum(rows_read) as bigint) as rows_read,
    cast(sum(rows_landed) as bigint) as rows_landed,
    cast(sum(rows_quarantined) as bigint) as rows_quarantined,
    any_value(message) filter (where status = 'failed') as message,
    max(loaded_at) as loaded_at
from read_parquet(getvariable('files'), filename = true, hive_partitioning = false)
group by all
order by batch_id, label, has_failed
