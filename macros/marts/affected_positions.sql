{#
    The filter of positions: true for those of an account and symbol for which a trade was ever placed about which a batch says something new. A trade
    that is placed again may move to another account or symbol; the position that it leaves is affected too.

    `trade_tables`: names of the tables of the raw vault that say which trades a batch touches.
#}
{% macro affected_positions(trade_tables) -%}
    {%- set trades = ref("nhl_trade") -%}
    {%- set touched = incremental_key_filter(["trade_id"], refs(trade_tables), in_order=true) -%}
    {%- if is_incremental() and not incremental_plan(trade_tables, in_order=true).is_rebuilt -%}
        (account_id, symbol) in (
            select trades.account_id, trades.symbol from {{ trades }} as trades where {{ touched }}
        )
    {%- else -%}
        {{ touched }}
    {%- endif -%}
{%- endmacro %}
