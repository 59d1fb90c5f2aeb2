-- Alerts and findings by what they are about.
select
    message_source,
    message_text,
    message_type,
    count(*) as message_count
from quality.di_messages
where
    message_type in ('Alert', 'Finding')
    and ($batch_id is null or batch_id = $batch_id)
group by message_source, message_text, message_type
order by message_count desc, message_source asc, message_text asc
