{# A text to order by, so that the order is the same on every engine and server: that of the code points. #}
{% macro by_code_point(text) -%}
    {{ return(adapter.dispatch("by_code_point")(text)) }}
{%- endmacro %}

{% macro default__by_code_point(text) -%}
    {{ text }}
{%- endmacro %}

{# Otherwise the language of the database decides, which may look past points and capitals. #}
{% macro postgres__by_code_point(text) -%}
    {{ text }} collate "C"
{%- endmacro %}
