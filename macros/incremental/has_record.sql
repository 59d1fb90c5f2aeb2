{#
    Whether a table of the warehouse has rows of which there is a record (see prepare_record). Asked in the catalog first (is_in_catalog).
#}
{% macro has_record() -%}
    {%- if not is_in_catalog(operations_relation("vault_batches")) -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set recorded = run_query("select count(*) from " ~ operations_relation("vault_batches") ~ " where batch_id > 0") -%}
    {{ return(recorded.columns[0].values()[0] > 0) }}
{%- endmacro %}
