{# The hash key of a reference that the source left empty: sixteen zero bytes, in no hub. #}
{% macro zero_key() -%}
    {{ return(adapter.dispatch("zero_key")()) }}
{%- endmacro %}

{% macro default__zero_key() -%}
    cast('00000000-0000-0000-0000-000000000000' as uuid)
{%- endmacro %}

{% macro spark__zero_key() -%}
    '00000000-0000-0000-0000-000000000000'
{%- endmacro %}
