{#
    Whether a row can be the price of its day: it has all four figures. Of several complete rows of one security and day, the one delivered first is
    the price of the day, by batch and row.

    `prices`: relation or CTE with the columns of nhl_daily_price.
#}
{% macro is_complete_price(prices) -%}
    (
        {{ prices }}.close_price is not null
        and {{ prices }}.high_price is not null
        and {{ prices }}.low_price is not null
        and {{ prices }}.volume_count is not null
    )
{%- endmacro %}
