{#
    Whether a list of texts contains a text.

    `list`: column with the list.
    `text`: the text, without quotes.
#}
{% macro array_contains(list, text) -%}
    {{ return(adapter.dispatch("array_contains")(list, text)) }}
{%- endmacro %}

{% macro default__array_contains(list, text) -%}
    '{{ text }}' = any({{ list }})
{%- endmacro %}

{% macro spark__array_contains(list, text) -%}
    array_contains({{ list }}, '{{ text }}')
{%- endmacro %}

{# DuckDB executes `any` over a list as a join per row. #}
{% macro duckdb__array_contains(list, text) -%}
    list_contains({{ list }}, '{{ text }}')
{%- endmacro %}
