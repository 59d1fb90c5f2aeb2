{#
    Whether there is a table, asked in the catalog of the engine: the relations that dbt looks up itself open a transaction, in which the statements of a run
    cannot begin theirs.

    `table`: the table.
#}
{% macro is_in_catalog(table) -%}
    {{ return(adapter.dispatch("is_in_catalog")(table)) }}
{%- endmacro %}

{% macro default__is_in_catalog(table) -%}
    {%- set found = run_query(
        "select count(*) from information_schema.tables"
        ~ " where table_schema = '" ~ table.schema ~ "' and table_name = '" ~ table.identifier ~ "'"
    ) -%}
    {{ return(found.columns[0].values()[0] > 0) }}
{%- endmacro %}

{# Spark has no information schema, and no transactions. #}
{% macro spark__is_in_catalog(table) -%}
    {{ return(load_relation(table) is not none) }}
{%- endmacro %}
