{#
    Whether the batch of a row has a date. A batch without one (its file is missing, or was refused) is in staging, but waits outside the vault;
    so what compares the vault with staging or sources looks only at the others. Read from the source, because a test that refers to the view of
    the batches would be selected with it.

    `batch_id`: column with the batch.
#}
{% macro has_date(batch_id) -%}
    {{ batch_id }} in (select dated.batch_id from {{ source("control", "batch_date") }} as dated)
{%- endmacro %}
