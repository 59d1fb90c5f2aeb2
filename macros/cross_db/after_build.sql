{# A post-hook of every model: statements that an engine needs after it has built the model. #}
{% macro after_build() -%}
    {{ return(adapter.dispatch("after_build")()) }}
{%- endmacro %}

{# DuckDB maintains statistics while it writes. #}
{% macro default__after_build() -%}
{%- endmacro %}

{#
    A new table gets its primary key (see get_table_columns_and_constraints) and, if its `meta` names the column that orders its rows
    (`in_order_of`), a BRIN index on that column: a few pages that find a month as fast as a partition would. Then statistics: Postgres
    would gather them by itself, but minutes later, and would plan the next models as if this table were tiny.
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
