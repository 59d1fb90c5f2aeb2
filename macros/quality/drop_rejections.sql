{#
    SQL for the start of an incremental run of rejected_rows: the rows of trades and watches that are judged again in this run are deleted first,
    because what was rejected may be right now. Rows of other facts are judged once, with their batch.

    `trade_tables`, `watch_tables`: names of the tables of the raw vault that say which of them a batch touches.
#}
{% macro drop_rejections(trade_tables, watch_tables) -%}
    {%- if execute and is_incremental() -%}
    delete from {{ this }}
    where
        (
            model_name in ('dim_trade', 'fct_holdings')
            and {{ incremental_key_filter(["trade_id"], relations_of(trade_tables)) }}
        )
        or (
            model_name = 'fct_watches'
            and {{ incremental_key_filter(["customer_id", "symbol"], relations_of(watch_tables)) }}
        )
    {%- endif -%}
{%- endmacro %}
