{#
    The 16 bytes of the MD5 of a text, in the 16-byte type of the engine: `uuid` on DuckDB and Postgres, with the same text on both.

    `expression`: SQL expression of type text.
#}
{% macro hash_text(expression) -%}
    {{ return(adapter.dispatch("hash_text")(expression)) }}
{%- endmacro %}

{% macro default__hash_text(expression) -%}
    cast(md5({{ expression }}) as uuid)
{%- endmacro %}
