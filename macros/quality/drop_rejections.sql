{#
    SQL for the start of an incremental run of rejected_rows: what this run judges is deleted first. Trades and watches are judged again when a batch
    says something about them, because what was rejected may be right now. Other rows are judged once, with their batch.

    `trade_tables`, `watch_tables`: names of the tables of the raw vault that say which of them a batch touches. `row_tables`: model -> name of the
    table whose rows it takes.
#}
{% macro drop_rejections(trade_tables, watch_tables, row_tables) -%}
    {%- if execute and is_incremental() -%}
    delete from {{ this }}
    where
        (
            model_name in ('dim_trade', 'fct_holdings')
            and {{ incremental_key_filter(["trade_id"], refs(trade_tables)) }}
        )
        or (
            model_name = 'fct_watches'
            and {{ incremental_key_filter(["customer_id", "symbol"], refs(watch_tables)) }}
        )
        {%- for model_name, table in row_tables.items() %}
        or (
            model_name = '{{ model_name }}'
            and {{ new_rows_filter(ref(table)) }}
        )
        {%- endfor %}
    {%- endif -%}
{%- endmacro %}
