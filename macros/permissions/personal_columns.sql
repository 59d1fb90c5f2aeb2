{#
    The columns that a model declares as personal (`meta: {personal: <kind>}`), in their order.

    `node`: the model, as in the graph of dbt.
#}
{% macro personal_columns(node) -%}
    {{ return(node.columns.values() | selectattr("meta.personal", "defined") | selectattr("meta.personal") | list) }}
{%- endmacro %}
