{#
    Stops the statement with a message if, and only if, a row reaches it. The expression has the type integer.

    `message`: SQL expression of type text.
#}
{% macro raise_error(message) -%}
    {{ return(adapter.dispatch("raise_error")(message)) }}
{%- endmacro %}

{# For engines without such a function: a cast that must fail shows its argument in the error. #}
{% macro default__raise_error(message) -%}
    cast({{ message }} as integer)
{%- endmacro %}

{% macro duckdb__raise_error(message) -%}
    error({{ message }})
{%- endmacro %}
