{# What an engine must be told after it has built a model: a post-hook of every model. #}
{% macro after_build() -%}
    {{ return(adapter.dispatch("after_build")()) }}
{%- endmacro %}

{# DuckDB keeps statistics while it writes. #}
{% macro default__after_build() -%}
{%- endmacro %}

{# Postgres would gather statistics by itself, but minutes later, and plan the next models as if this one were tiny. #}
{% macro postgres__after_build() -%}
    {%- if model.config.materialized in ("table", "incremental") -%}
    analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
