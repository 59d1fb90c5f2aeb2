{#
    The 16 bytes of the MD5 of a text, in the 16-byte type of the engine, if it has one: `uuid` on DuckDB and Postgres. Its text is the same on all.

    `expression`: SQL expression of type text.
#}
{% macro hash_text(expression) -%}
    {{ return(adapter.dispatch("hash_text")(expression)) }}
{%- endmacro %}

{% macro default__hash_text(expression) -%}
    cast(md5({{ expression }}) as uuid)
{%- endmacro %}

{# Spark has no type of 16 bytes: the text of the uuid. #}
{% macro spark__hash_text(expression) -%}
    regexp_replace(md5({{ expression }}), '^(.{8})(.{4})(.{4})(.{4})', '$1-$2-$3-$4-')
{%- endmacro %}

{# The type of such a hash. #}
{% macro type_hash() -%}
    {{ return(native_type("uuid")) }}
{%- endmacro %}
