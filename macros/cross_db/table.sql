{#
    Replaces dbt's own materialization of tables on DuckDB, which creates a table beside the old one, looks for indexes and foreign keys, renames
    both and drops one. Here the old table is dropped in the transaction that creates the new one: until it commits, readers see the old one. So the query
    of a table cannot read the table itself.
#}
{% materialization table, adapter="duckdb" -%}
    {{ return(replaced_relation("table")) }}
{%- endmaterialization %}

{% macro replace_table(table) -%}
    drop table if exists {{ table }};
    {{ create_table_as(False, table, sql) }}
{%- endmacro %}
