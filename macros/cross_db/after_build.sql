{# What an engine must be told after it has built a model: a post-hook of every model. #}
{% macro after_build() -%}
    {{ return(adapter.dispatch("after_build")()) }}
{%- endmacro %}

{# DuckDB keeps statistics while it writes. #}
{% macro default__after_build() -%}
{%- endmacro %}

{#
    A new table gets its primary key (see get_table_columns_and_constraints) and, if its `meta` says which column its rows are in the order
    of (`in_order_of`), a BRIN index of it: a few pages that find a month as a partition would. Then statistics: Postgres would gather
    them by itself, but minutes later, and plan the next models as if this one were tiny.
#}
{% macro postgres__after_build() -%}
    {%- if model.config.materialized in ("table", "incremental") -%}
        {%- if not is_incremental() -%}
            {%- if primary_key(model) -%}
    alter table {{ this }} add primary key ({{ primary_key(model) | join(", ") }});
            {% endif -%}
            {%- if model.config.meta.in_order_of -%}
    create index on {{ this }} using brin ({{ model.config.meta.in_order_of }});
            {% endif -%}
        {%- endif -%}
    analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
