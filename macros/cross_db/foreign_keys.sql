{# At the end of a build, `declare_foreign_keys`: declares in the database which column refers to which, for engines that support it. #}
{% macro declare_foreign_keys() -%}
    {{ return(adapter.dispatch("declare_foreign_keys")()) }}
{%- endmacro %}

{# At the beginning of a build: drops the foreign keys, so that dimensions can be replaced while facts are filled. #}
{% macro drop_foreign_keys() -%}
    {{ return(adapter.dispatch("drop_foreign_keys")()) }}
{%- endmacro %}

{# DuckDB does not drop a table that another one references, so no dimension could be rebuilt. #}
{% macro default__declare_foreign_keys() -%}
{%- endmacro %}

{% macro default__drop_foreign_keys() -%}
{%- endmacro %}

{# `not valid`: tests have checked the existing rows; Postgres checks the rows that others insert. #}
{% macro postgres__declare_foreign_keys() -%}
    {%- if execute and flags.WHICH in ("run", "build") -%}
        {%- set tables = run_query("select format('%s.%s', schemaname, tablename) from pg_tables").columns[0].values() -%}
        {%- for key in foreign_keys() if key.table in tables and key.parent in tables -%}
    alter table {{ key.table }}
        drop constraint if exists {{ key.name }},
        add constraint {{ key.name }} foreign key ({{ key.column }}) references {{ key.parent }} ({{ key.field }}) not valid;
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro postgres__drop_foreign_keys() -%}
    {%- if execute and flags.WHICH in ("run", "build") -%}
        {%- for key in foreign_keys() -%}
    alter table if exists {{ key.table }} drop constraint if exists {{ key.name }};
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# The foreign keys: every `relationships` test of a table against the primary key of another one, as name, table, column, parent and field. #}
{% macro foreign_keys() -%}
    {%- set keys = [] -%}
    {%- for test in graph.nodes.values()
        if test.resource_type == "test" and test.test_metadata and test.test_metadata.name == "relationships"
        and test.attached_node -%}
        {%- set table = graph.nodes[test.attached_node] -%}
        {%- set parent = graph.nodes[test.depends_on.nodes | reject("equalto", test.attached_node) | first or test.attached_node] -%}
        {%- set field = test.test_metadata.kwargs.field -%}
        {%- if primary_key(parent) == [field] and table.config.materialized != "view" -%}
            {%- do keys.append({
                "name": table.alias ~ "_" ~ test.column_name ~ "_fkey",
                "table": table.schema ~ "." ~ table.alias,
                "column": test.column_name,
                "parent": parent.schema ~ "." ~ parent.alias,
                "field": field,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(keys) }}
{%- endmacro %}

{# The columns of the primary key in the contract of a model; an empty list if there is none. #}
{% macro primary_key(model) -%}
    {%- for constraint in model.constraints if constraint.type == "primary_key" -%}
        {{ return(constraint.columns | list) }}
    {%- endfor -%}
    {%- for column in model.columns.values() -%}
        {%- for constraint in column.constraints if constraint.type == "primary_key" -%}
            {{ return([column.name]) }}
        {%- endfor -%}
    {%- endfor -%}
    {{ return([]) }}
{%- endmacro %}
