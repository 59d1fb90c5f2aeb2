{#
    Whether the warehouse has been built by a version of the project that keeps a record (see prepare_record). Asked in the catalog, because the
    relations that dbt looks up itself open a transaction, in which the statements of a run cannot begin theirs.
#}
{% macro has_record() -%}
    {%- set found = run_query(
        "select count(*) from information_schema.tables where table_schema = 'operations' and table_name = 'vault_batches'"
    ) -%}
    {{ return(found.columns[0].values()[0] > 0) }}
{%- endmacro %}
