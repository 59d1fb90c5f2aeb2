-- Checks of the audit: those that are not OK first.
select
    batch_id,
    check_number,
    check_name,
    result,
    expected,
    found,
    description,
    explanation
from quality.audit_results
where $batch_id is null or batch_id = $batch_id
order by
    case result when 'OK' then 1 else 0 end asc,
    batch_id desc,
    check_number asc
limit $most_rows
