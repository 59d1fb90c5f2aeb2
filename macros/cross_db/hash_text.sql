{# 16 bytes of MD5 in the engine's own 16-byte type: `uuid` on DuckDB and Postgres, with the same text on both. #}
{% macro hash_text(expression) -%}
    {{ return(adapter.dispatch("hash_text")(expression)) }}
{%- endmacro %}

{% macro default__hash_text(expression) -%}
    cast(md5({{ expression }}) as uuid)
{%- endmacro %}
