{# The end of a version that has not ended. #}
{% macro open_end() -%}
    cast('9999-12-31' as date)
{%- endmacro %}
