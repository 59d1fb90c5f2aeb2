{#
    The filter of what is summed over the trades of a day: true for every day on which a trade was ever closed about which a batch says something new.
    An update may move a trade to another day; the day that it leaves is affected too.

    `sk_date_id`: the column with the day. `trade_tables`: names of the tables of the raw vault that say which trades a batch touches.
#}
{% macro affected_close_days(sk_date_id, trade_tables) -%}
    {%- set dates, states = ref("dim_date"), ref("sat_trade__brokerage") -%}
    {%- set touched = incremental_key_filter(["trade_id"], refs(trade_tables), in_order=true) -%}
    {%- if is_incremental() and not incremental_plan(trade_tables, in_order=true).is_rebuilt -%}
        {{ sk_date_id }} in (
            select dates.sk_date_id
            from {{ dates }} as dates
            inner join {{ states }} as states on dates.date_value = cast(states.applied_at as date)
            where states.status_code in ('CMPT', 'CNCL') and {{ touched }}
        )
    {%- else -%}
        {{ sk_date_id }} is not null and {{ touched }}
    {%- endif -%}
{%- endmacro %}
