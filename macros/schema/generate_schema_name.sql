{# Schema = layer name. Without this, dbt would put the target's schema in front (`main_staging`). #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
