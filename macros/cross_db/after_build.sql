{# What an engine must be told after it has built a model: a post-hook of every model. #}
{% macro after_build() -%}
    {{ return(adapter.dispatch("after_build")()) }}
{%- endmacro %}

{# DuckDB keeps statistics while it writes. #}
{% macro default__after_build() -%}
{%- endmacro %}

{#
    The primary key of a table that is new (see get_table_columns_and_constraints), and statistics: Postgres would gather them by itself,
    but minutes later, and plan the next models as if this one were tiny.
#}
{% macro postgres__after_build() -%}
    {%- if model.config.materialized in ("table", "incremental") -%}
        {%- if primary_key(model) and not is_incremental() -%}
    alter table {{ this }} add primary key ({{ primary_key(model) | join(", ") }});
        {% endif -%}
    analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
