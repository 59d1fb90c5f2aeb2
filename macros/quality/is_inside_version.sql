{#
    Whether a day lies inside a version of a dimension, never NULL: false where the row names no version. As in the official audit, the first
    day on which the version no longer holds counts too.
#}
{% macro is_inside_version(day, dimension) -%}
    ({{ day }} between {{ dimension }}.effective_date and {{ dimension }}.end_date) is true
{%- endmacro %}
