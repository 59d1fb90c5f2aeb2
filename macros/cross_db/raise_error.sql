{# Stops the statement with a message, an SQL expression, when and only when a row reaches it. It has the type of an integer. #}
{% macro raise_error(message) -%}
    {{ return(adapter.dispatch("raise_error")(message)) }}
{%- endmacro %}

{# A cast that cannot work shows its argument in the error, on engines without a function for it. #}
{% macro default__raise_error(message) -%}
    cast({{ message }} as integer)
{%- endmacro %}

{% macro duckdb__raise_error(message) -%}
    error({{ message }})
{%- endmacro %}
