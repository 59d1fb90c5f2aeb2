{#
    Replaces dbt's own macro on Spark, which asks for a description of each table, and takes tables of Iceberg for tables of Hive: it would drop them to
    replace them, and refuse the second run of a snapshot. Here everything in a schema that is no view is a table in the format of the project.

    `relation`: a relation of the schema.
#}
{% macro spark__list_relations_without_caching(relation) -%}
    {%- set views = run_query("show views in " ~ relation.schema).columns[1].values() | list -%}
    {%- set rows = [] -%}
    {%- for schema, name, is_temporary in run_query("show tables in " ~ relation.schema).rows if not is_temporary -%}
        {%- set information = "Type: VIEW" if name in views else "Type: TABLE, Provider: " ~ table_format() -%}
        {%- do rows.append("('" ~ [schema, name, "false", information] | join("', '") ~ "')") -%}
    {%- endfor -%}
    {%- call statement("list_relations", fetch_result=true) %}
        select * from values {{ rows | join(", ") or "('', '', '', '')" }} as relations (schema_name, name, is_temporary, information)
        where name <> ''
    {%- endcall -%}
    {{ return(load_result("list_relations").table) }}
{%- endmacro %}

{# The format of the tables that dbt builds (`file_format` in dbt_project.yml). #}
{% macro table_format() -%}
    {{ return(env_var("SPARK_TABLE_FORMAT", "") or "iceberg") }}
{%- endmacro %}
