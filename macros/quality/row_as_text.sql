{#
    A row as one text: the values of the columns in their order, separated by `|`, with nothing for NULL.

    `columns`: SQL expressions.
#}
{% macro row_as_text(columns) -%}
    {%- for column in columns -%}
        coalesce(cast({{ column }} as {{ dbt.type_string() }}), ''){{ " || '|' || " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
