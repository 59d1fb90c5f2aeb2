-- Batches that have landed.
select batch_id
from quality.batch_summary
order by batch_id
