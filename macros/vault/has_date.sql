{#
    Whether the batch of a row has a date. A batch without one (its file is missing, or was refused) is in staging, but waits outside the vault;
    so what compares the vault with staging or sources looks only at the others. The source is named only when the statement is compiled: a test
    that depended on it would be selected with it, and run before its own tables exist.

    `batch_id`: column with the batch.
#}
{% macro has_date(batch_id) -%}
    {%- if execute -%}
        {{ batch_id }} in (select dated.batch_id from {{ source("control", "batch_date") }} as dated)
    {%- endif -%}
{%- endmacro %}
