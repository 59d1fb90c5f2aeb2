{#
    The number of days from one day to another, as an integer; NULL if one of them is NULL.

    `first_day`, `last_day`: SQL expressions of type date.
#}
{% macro days_between(first_day, last_day) -%}
    {{ return(adapter.dispatch("days_between")(first_day, last_day)) }}
{%- endmacro %}

{% macro default__days_between(first_day, last_day) -%}
    ({{ last_day }} - {{ first_day }})
{%- endmacro %}

{# A difference of dates is an interval. #}
{% macro spark__days_between(first_day, last_day) -%}
    datediff({{ last_day }}, {{ first_day }})
{%- endmacro %}
