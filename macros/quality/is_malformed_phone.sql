{#
    Whether a phone number has none of the official formats; an empty or unknown number is accepted.

    `column`: the phone number.
#}
{% macro is_malformed_phone(column) -%}
    {{ column }} not like '+1 (___) ___-____%'
    and {{ column }} not like '(___) ___-____%'
    and {{ column }} not like '___-____%'
    and {{ column }} <> ''
{%- endmacro %}
