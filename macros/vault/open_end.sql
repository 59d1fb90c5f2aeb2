{# The day on which a version ends that has not ended. #}
{% macro open_end() -%}
    cast('9999-12-31' as date)
{%- endmacro %}
