{# Declares in the database which column refers to which, for engines that can bear it: runs at the end of every build. #}
{% macro declare_foreign_keys() -%}
    {{ return(adapter.dispatch("declare_foreign_keys")()) }}
{%- endmacro %}

{# DuckDB does not let go of a table that another one refers to, so no dimension could be built anew. #}
{% macro default__declare_foreign_keys() -%}
{%- endmacro %}

{#
    A foreign key for every `relationships` test of a table against the primary key of another one. Building a dimension anew drops
    those that point at it, so they are declared again here. `not valid`: the tests have just looked at the rows that are there, and
    Postgres looks at those that come. None points at an incremental table, because that one deletes rows to insert them anew.
#}
{% macro postgres__declare_foreign_keys() -%}
    {%- if execute and flags.WHICH in ("run", "build") -%}
        {%- set tables = run_query("select format('%s.%s', schemaname, tablename) from pg_tables").columns[0].values() -%}
        {%- set declared = run_query(foreign_keys_query()).columns[0].values() -%}
        {%- for key in foreign_keys_from_tests() -%}
            {%- if key.table in tables and key.parent in tables and key.table ~ "." ~ key.column not in declared -%}
    alter table {{ key.table }} add foreign key ({{ key.column }}) references {{ key.parent }} ({{ key.field }}) not valid;
            {%- endif %}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro foreign_keys_query() -%}
    select format('%s.%s.%s', pg_namespace.nspname, pg_class.relname, pg_attribute.attname)
    from pg_constraint
    inner join pg_class on pg_constraint.conrelid = pg_class.oid
    inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
    inner join pg_attribute on pg_class.oid = pg_attribute.attrelid and pg_attribute.attnum = pg_constraint.conkey[1]
    where pg_constraint.contype = 'f'
{%- endmacro %}

{# Table, column, and the parent with its field, of each such test in the project. #}
{% macro foreign_keys_from_tests() -%}
    {%- set keys = [] -%}
    {%- for test in graph.nodes.values()
        if test.resource_type == "test" and test.test_metadata and test.test_metadata.name == "relationships"
        and test.attached_node -%}
        {%- set table = graph.nodes[test.attached_node] -%}
        {%- set parent = graph.nodes[test.depends_on.nodes | reject("equalto", test.attached_node) | first or test.attached_node] -%}
        {%- set field = test.test_metadata.kwargs.field -%}
        {%- if primary_key(parent) == [field] and parent.config.materialized == "table" -%}
            {%- do keys.append({
                "table": table.schema ~ "." ~ table.alias,
                "column": test.column_name,
                "parent": parent.schema ~ "." ~ parent.alias,
                "field": field,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(keys) }}
{%- endmacro %}

{# The columns that the contract of a model names as its primary key; none if it names none. #}
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
