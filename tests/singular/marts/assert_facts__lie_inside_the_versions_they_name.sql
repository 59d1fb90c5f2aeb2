-- What: the day of a fact is inside the version of each dimension that it refers to (audit checks 86,
--   87, 95 to 99, 111, 112, 124, 125). The day on which a version ends counts as inside, because a
--   daily extract may be about the day before its batch. For holdings, whose versions are those of
--   the trade, only the start is tested (117 to 120).
-- Why: facts are never re-keyed when a dimension changes, so each must refer to the version that was
--   valid at its own time, neither the newest nor the first.
-- A returned row: a fact and a dimension, with the number of rows that are outside.
{%- set references = [
    ("dim_trade", "sk_create_date_id", ["broker", "customer", "account", "security", "company"]),
    ("fct_cash_balances", "sk_date_id", ["customer", "account"]),
    ("fct_holdings", "sk_date_id", ["customer", "account", "security", "company"]),
    ("fct_market_history", "sk_date_id", ["security", "company"]),
    ("fct_watches", "sk_date_id_date_placed", ["customer", "security"]),
] %}

{%- for fact, day, dimensions in references %}
    {%- for dimension in dimensions %}
        select
            '{{ fact }}' as fact,
            'dim_{{ dimension }}' as dimension,
            count(*) as row_count
        from {{ ref(fact) }} as fact
        inner join
            {{ ref("dim_" ~ dimension) }} as dimension
            on fact.sk_{{ dimension }}_id = dimension.sk_{{ dimension }}_id
        inner join {{ ref("dim_date") }} as day on fact.{{ day }} = day.sk_date_id
        where
            day.date_value < dimension.effective_date
            {%- if fact != "fct_holdings" %}
                or day.date_value > dimension.end_date
            {%- endif %}
        having count(*) > 0
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
