{#
    Whether a time or day is implausible: before 1900, or more than a day after the date of the batch that brought it (`batch_date`).

    `moment`: column with the time or day.
#}
{% macro is_far_off(moment) -%}
    {{ moment }} < cast('1900-01-01' as date) or cast({{ moment }} as date) > batch_date + 1
{%- endmacro %}
