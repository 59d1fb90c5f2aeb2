{# Schema of the masked views of a layer: `marts_masked` beside `marts`. #}
{% macro masked_schema(node) -%}
    {{ return(node.schema ~ "_masked") }}
{%- endmacro %}
