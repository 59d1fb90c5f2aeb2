{#
    The roles, and who may do what with the database, its schemas and the tables of the loader. Derived from `grants` in dbt_project.yml and from
    the sources: a new layer or reader there needs no change here.
#}
{% macro role_rights() -%}
    {%- set loader, transformer = "brokerage_loader", "brokerage_transformer" -%}
    {%- set rights = {
        "on_schemas": [],
        "on_tables": [],
        "on_future_tables": [],
    } -%}

    {%- for schema in graph.sources.values() | map(attribute="schema") | unique -%}
        {%- do rights.on_schemas.extend([(loader, "usage", schema), (loader, "create", schema)]) -%}
        {%- for privilege in ["select", "insert", "update", "delete", "truncate"] -%}
            {%- do rights.on_tables.append((loader, privilege, schema)) -%}
        {%- endfor -%}
        {%- for reader in [transformer] + var("reads_personal_columns") -%}
            {%- do rights.on_schemas.append((reader, "usage", schema)) -%}
            {%- do rights.on_tables.append((reader, "select", schema)) -%}
            {%- do rights.on_future_tables.append((loader, schema, reader)) -%}
        {%- endfor -%}
    {%- endfor -%}

    {%- for node in graph.nodes.values() if node.config.grants -%}
        {%- for schema in [node.schema] + ([masked_schema(node)] if masked_readers(node) else []) -%}
            {%- do rights.on_schemas.extend([(transformer, "usage", schema), (transformer, "create", schema)]) -%}
            {%- for reader in node.config.grants["select"] -%}
                {%- do rights.on_schemas.append((reader, "usage", schema)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}

    {%- set on_schemas = rights.on_schemas | unique | list -%}
    {%- set roles = on_schemas | map(attribute=0) | unique | list -%}
    {%- set on_database = [(transformer, "create")] -%}
    {%- for role in roles -%}
        {%- do on_database.append((role, "connect")) -%}
    {%- endfor -%}
    {{ return({
        "roles": roles,
        "schemas": on_schemas | map(attribute=2) | unique | list,
        "on_database": on_database,
        "on_schemas": on_schemas,
        "on_tables": rights.on_tables,
        "on_future_tables": rights.on_future_tables,
    }) }}
{%- endmacro %}
