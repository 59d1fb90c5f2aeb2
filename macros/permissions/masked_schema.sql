{#
    The schema of the masked views of a layer: `marts_masked` for `marts`.

    `node`: a model of the layer, as in the graph of dbt.
#}
{% macro masked_schema(node) -%}
    {{ return(node.schema ~ "_masked") }}
{%- endmacro %}
