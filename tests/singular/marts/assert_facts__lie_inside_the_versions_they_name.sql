-- What: the day of a fact is inside the version of each dimension that it refers to (audit checks 86,
--   87, 95 to 99, 111, 112, 124, 125). The day on which a version ends counts as inside, because a
--   daily extract may be about the day before its batch. For holdings, whose versions are those of
--   the trade, only the start is tested (117 to 120).
-- A price or watch of a daily extract refers to the versions of the day of its batch, so it may also
--   be about a day outside of them: then the day of the batch must be inside. Unknown members are always valid.
-- Why: facts are never re-keyed when a dimension changes, so each must refer to the version that was
--   valid at its own time, neither the newest nor the first.
-- A returned row: a fact and a dimension, with the number of rows that are outside.
-- After the marts, so that a row that fails it stops none of them: {{ ref("rejected_rows") }}
{%- set references = [
    ("dim_trade", "sk_create_date_id", ["broker", "customer", "account", "security", "company"]),
    ("fct_cash_balances", "sk_date_id", ["customer", "account"]),
    ("fct_holdings", "sk_date_id", ["customer", "account", "security", "company"]),
    ("fct_market_history", "sk_date_id", ["security", "company"]),
    ("fct_watches", "sk_date_id_date_placed", ["customer", "security"]),
] %}
{#- Facts with rows of daily extracts, and the keys by which they are found. #}
{%- set by_security = ["fct_market_history", "fct_watches"] %}
{%- set by_customer = ["fct_watches"] %}
{%- set no_version = "cast(null as " ~ type_hash() ~ ")" %}

with

-- The rows of daily extracts, with the day of their batch: all that a fact needs to find its own.
daily_prices as (
    select
        dim_security.sk_security_id,
        dim_date.sk_date_id,
        batches.batch_date
    from {{ ref("nhl_daily_price") }} as prices
    inner join {{ ref("ref_batch") }} as batches on prices.batch_id = batches.batch_id
    inner join {{ ref("dim_date") }} as dim_date on prices.price_date = dim_date.date_value
    inner join {{ ref("dim_security") }} as dim_security on prices.symbol = dim_security.symbol
    where prices.cdc_flag is not null
),

daily_watches as (
    select
        dim_customer.sk_customer_id,
        dim_security.sk_security_id,
        dim_date.sk_date_id,
        batches.batch_date
    from {{ ref("nhl_watch_event") }} as events
    inner join {{ ref("ref_batch") }} as batches on events.batch_id = batches.batch_id
    inner join {{ ref("dim_date") }} as dim_date on cast(events.applied_at as date) = dim_date.date_value
    inner join {{ ref("dim_customer") }} as dim_customer on events.customer_id = dim_customer.customer_id
    inner join {{ ref("dim_security") }} as dim_security on events.symbol = dim_security.symbol
    where
        events.cdc_flag is not null
        and events.action_code = 'ACTV'
),

outside as (
    {%- for fact, day, dimensions in references %}
        {%- for dimension in dimensions %}
            select
                '{{ fact }}' as fact,
                'dim_{{ dimension }}' as dimension,
                dimension.effective_date,
                dimension.end_date,
                {{ "fact.sk_security_id" if fact in by_security else no_version }} as sk_security_id,
                {{ "fact.sk_customer_id" if fact in by_customer else no_version }} as sk_customer_id,
                day.sk_date_id
            from {{ ref(fact) }} as fact
            inner join
                {{ ref("dim_" ~ dimension) }} as dimension
                on fact.sk_{{ dimension }}_id = dimension.sk_{{ dimension }}_id
            inner join {{ ref("dim_date") }} as day on fact.{{ day }} = day.sk_date_id
            where
                dimension.sk_{{ dimension }}_id <> {{ zero_key() }}
                and (
                    day.date_value < dimension.effective_date
                    {%- if fact != "fct_holdings" %}
                        or day.date_value > dimension.end_date
                    {%- endif %}
                )
            {% if not loop.last %}union all{% endif %}
        {% endfor %}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    outside.fact,
    outside.dimension,
    count(*) as row_count
from outside
where
    not (
        outside.fact = 'fct_market_history'
        and exists (
            select 1 from daily_prices
            where
                daily_prices.sk_security_id = outside.sk_security_id
                and daily_prices.sk_date_id = outside.sk_date_id
                and daily_prices.batch_date >= outside.effective_date
                and daily_prices.batch_date < outside.end_date
        )
    )
    and not (
        outside.fact = 'fct_watches'
        and exists (
            select 1 from daily_watches
            where
                daily_watches.sk_customer_id = outside.sk_customer_id
                and daily_watches.sk_security_id = outside.sk_security_id
                and daily_watches.sk_date_id = outside.sk_date_id
                and daily_watches.batch_date >= outside.effective_date
                and daily_watches.batch_date < outside.end_date
        )
    )
group by outside.fact, outside.dimension
