-- Alerts and findings, the newest batch first.
select
    batch_id,
    message_type,
    message_source,
    message_text,
    message_data,
    message_date_and_time
from quality.di_messages
where
    message_type in ('Alert', 'Finding')
    and ($batch_id is null or batch_id = $batch_id)
order by batch_id desc, message_type asc, message_source asc, message_text asc, message_data asc
limit $most_rows
