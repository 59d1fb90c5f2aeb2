{#
    Whether a table of the warehouse has rows of which there is a record (see prepare_record). Asked in the catalog first, because the
    relations that dbt looks up itself open a transaction, in which the statements of a run cannot begin theirs.
#}
{% macro has_record() -%}
    {%- set found = run_query(
        "select count(*) from information_schema.tables where table_schema = 'operations' and table_name = 'vault_batches'"
    ) -%}
    {%- if found.columns[0].values()[0] == 0 -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set recorded = run_query("select count(*) from " ~ operations_relation("vault_batches") ~ " where batch_id > 0") -%}
    {{ return(recorded.columns[0].values()[0] > 0) }}
{%- endmacro %}
