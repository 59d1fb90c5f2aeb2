{#
    Several columns as one value, which can be compared as a whole: NULL is equal to NULL with `is distinct from`.

    `columns`: SQL expressions; two values that are compared have the same names of columns.
#}
{% macro row_value(columns) -%}
    {{ return(adapter.dispatch("row_value")(columns)) }}
{%- endmacro %}

{% macro default__row_value(columns) -%}
    row({{ columns | join(", ") }})
{%- endmacro %}

{% macro spark__row_value(columns) -%}
    struct({{ columns | join(", ") }})
{%- endmacro %}
