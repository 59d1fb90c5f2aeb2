{#
    An integer without its last bits.

    `number`: SQL expression of an integer type. `bits`: how many.
#}
{% macro shift_right(number, bits) -%}
    {{ return(adapter.dispatch("shift_right")(number, bits)) }}
{%- endmacro %}

{% macro default__shift_right(number, bits) -%}
    {{ number }} >> {{ bits }}
{%- endmacro %}

{% macro spark__shift_right(number, bits) -%}
    shiftright({{ number }}, {{ bits }})
{%- endmacro %}
