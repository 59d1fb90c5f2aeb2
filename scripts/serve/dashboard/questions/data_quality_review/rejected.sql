-- Rows that no fact or list could include.
select
    batch_id,
    model_name,
    business_key,
    reason,
    record_source,
    source_row,
    raw_text
from quality.rejected_rows
where $batch_id is null or batch_id = $batch_id
order by batch_id desc, model_name asc, record_source asc, source_row asc
limit $most_rows
