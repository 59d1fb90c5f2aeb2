{#
    The roles that may select from a model but not from its personal columns; none if it has no personal columns.

    `node`: the model, as in the graph of dbt.
#}
{% macro masked_readers(node) -%}
    {{ return((personal_columns(node) and node.config.grants.get("select", []) | reject("in", var("reads_personal_columns")) | list) or []) }}
{%- endmacro %}
