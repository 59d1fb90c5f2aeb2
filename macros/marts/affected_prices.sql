{#
    The filter of prices with their 52 weeks: true from the first day on about which a batch says something new, because a price counts in the 52 weeks
    of the days that follow it. The day is a literal, so that engines read only what they need.
#}
{% macro affected_prices() -%}
    {%- set daily_prices = ref("nhl_daily_price") -%}
    {%- set new_rows = new_rows_filter(daily_prices, in_order=true) -%}
    {%- set tables = ["nhl_daily_price"] -%}
    {%- if execute and model.resource_type == "model" and is_incremental() and not incremental_plan(tables, in_order=true).is_rebuilt -%}
        {%- set first_day = run_query("select min(price_date) from " ~ daily_prices ~ " where " ~ new_rows).columns[0].values()[0] -%}
        {{ "price_date >= cast('" ~ first_day ~ "' as date)" if first_day else "false" }} {{ plan_comment(tables, in_order=true) }}
    {%- else -%}
        {{ new_rows }}
    {%- endif -%}
{%- endmacro %}
