{#
    A text to order by, with the same order on every engine and server: that of the code points.

    `text`: SQL expression of type text.
#}
{% macro binary_collation(text) -%}
    {{ return(adapter.dispatch("binary_collation")(text)) }}
{%- endmacro %}

{% macro default__binary_collation(text) -%}
    {{ text }}
{%- endmacro %}

{# The default collation of the database may ignore punctuation and case. #}
{% macro postgres__binary_collation(text) -%}
    {{ text }} collate "C"
{%- endmacro %}
