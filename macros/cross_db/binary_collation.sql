{# A text to order by, so that the order is the same on every engine and server: that of the code points. #}
{% macro binary_collation(text) -%}
    {{ return(adapter.dispatch("binary_collation")(text)) }}
{%- endmacro %}

{% macro default__binary_collation(text) -%}
    {{ text }}
{%- endmacro %}

{# Otherwise the language of the database decides, which may look past points and capitals. #}
{% macro postgres__binary_collation(text) -%}
    {{ text }} collate "C"
{%- endmacro %}
