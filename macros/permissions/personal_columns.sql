{# Columns of a model that its YAML declares as personal (`meta: {personal: <kind>}`), in their order. #}
{% macro personal_columns(node) -%}
    {{ return(node.columns.values() | selectattr("meta.personal", "defined") | selectattr("meta.personal") | list) }}
{%- endmacro %}
