{#
    The batch of a row that is about to be inserted; an error if a later batch has been loaded before it, because the rows of
    that one were compared without it. An older batch that changes nothing never gets here, and does no harm.

    `batch_id`: SQL expression of the batch.
#}
{% macro batch_in_order(batch_id) -%}
    {%- set message = "'Batch ' || " ~ batch_id ~ " || ' came after a later batch was loaded into " ~ this.identifier
        ~ ". Full extracts are compared in order; rebuild: dbt build --full-refresh --select " ~ this.identifier ~ "+'" -%}
    {%- if is_incremental() -%}
    case
        when {{ batch_id }} < (select max(loaded.batch_id) from {{ this }} as loaded) then {{ raise_error(message) }}
        else {{ batch_id }}
    end
    {%- else -%}
    {{ batch_id }}
    {%- endif -%}
{%- endmacro %}
