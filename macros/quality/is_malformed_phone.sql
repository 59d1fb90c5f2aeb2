{# Whether a telephone number is written in none of the three official ways; an empty or unknown one is fine. #}
{% macro is_malformed_phone(column) -%}
    {{ column }} not like '+1 (___) ___-____%'
    and {{ column }} not like '(___) ___-____%'
    and {{ column }} not like '___-____%'
    and {{ column }} <> ''
{%- endmacro %}
