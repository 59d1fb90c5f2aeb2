{# Whether a column that holds a list of texts has the text in it. #}
{% macro array_contains(list, text) -%}
    {{ return(adapter.dispatch("array_contains")(list, text)) }}
{%- endmacro %}

{% macro default__array_contains(list, text) -%}
    '{{ text }}' = any({{ list }})
{%- endmacro %}

{# DuckDB runs `any` over a list as a join for each row. #}
{% macro duckdb__array_contains(list, text) -%}
    list_contains({{ list }}, '{{ text }}')
{%- endmacro %}
