{#
    Schema = layer name, on every target. Without this macro, dbt would prefix the schema of the target (`main_staging`).

    `custom_schema_name`: the schema that dbt_project.yml configures for the layer.
    `node`: the node to be built; not used.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
