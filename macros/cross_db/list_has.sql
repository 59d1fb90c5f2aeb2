{# Whether a column that holds a list of texts has the text in it. #}
{% macro list_has(list, text) -%}
    {{ return(adapter.dispatch("list_has")(list, text)) }}
{%- endmacro %}

{% macro default__list_has(list, text) -%}
    '{{ text }}' = any({{ list }})
{%- endmacro %}

{# DuckDB runs `any` over a list as a join for each row. #}
{% macro duckdb__list_has(list, text) -%}
    list_contains({{ list }}, '{{ text }}')
{%- endmacro %}
