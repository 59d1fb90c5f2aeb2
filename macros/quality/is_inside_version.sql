{#
    Whether a day is inside a version of a dimension; never NULL, and false where the row refers to no version. As in the official audit, the
    first day on which the version no longer holds counts as inside.

    `day`: the day, an SQL expression.
    `dimension`: alias of the dimension.
#}
{% macro is_inside_version(day, dimension) -%}
    ({{ day }} between {{ dimension }}.effective_date and {{ dimension }}.end_date) is true
{%- endmacro %}
