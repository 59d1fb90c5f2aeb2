{%- set text = dbt.type_string() %}
{#- What a batch can say about a trade or a holding, and about a watch. #}
{%- set trade_tables = ["nhl_holding_change", "nhl_trade", "sat_trade__brokerage", "nhl_trade_event"] -%}
{%- set watch_tables = ["nhl_watch_event"] -%}
{#- Tables whose rows are judged once, with their batch. #}
{%- set row_tables = {
    "fct_cash_balances": "nhl_cash_transaction",
    "fct_market_history": "nhl_daily_price",
    "financials": "sat_company__finwire_financials",
} -%}
{%- for name, list in reference_lists().items() %}{% do row_tables.update({name: list.table}) %}{% endfor -%}

{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="append_new_columns",
    pre_hook="{{ drop_rejections(" ~ trade_tables ~ ", " ~ watch_tables ~ ", " ~ row_tables ~ ") }}",
) }}

{#- One plan for all filters below. #}
{%- if execute and model.resource_type == "model" -%}
    {%- do incremental_plan(trade_tables + watch_tables + row_tables.values() | list, in_order=true) -%}
{%- endif -%}

{%- set touched_trades = incremental_key_filter(["trade_id"], refs(trade_tables), in_order=true) -%}
{%- set touched_watches = incremental_key_filter(["customer_id", "symbol"], refs(watch_tables), in_order=true) -%}

with

calendar as (
    select date_value
    from {{ ref('dim_date') }}
),

times as (
    select time_value
    from {{ ref('dim_time') }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

-- Versions follow each other without a gap, so a member has a version on a day if it had one by then.
accounts as (
    select
        account_id,
        min(effective_date) as first_day
    from {{ ref('dim_account') }}
    group by account_id
),

customers as (
    select
        customer_id,
        min(effective_date) as first_day
    from {{ ref('dim_customer') }}
    where sk_customer_id <> {{ zero_key() }}
    group by customer_id
),

securities as (
    select
        symbol,
        min(effective_date) as first_day
    from {{ ref('dim_security') }}
    group by symbol
),

dim_trade as (
    select * from {{ ref('dim_trade') }}
),

---------- trades

life_cycles as (
    select * from {{ ref('bv_trade__life_cycle') }}
    where {{ touched_trades }}
),

bridge_trade as (
    select * from {{ ref('bridge_trade') }}
    where {{ touched_trades }}
),

trades as (
    select
        life_cycles.*,
        bridge_trade.looked_up_on,
        cast(life_cycles.created_at as date) as created_on,
        {{ time_of_day("life_cycles.created_at") }} as created_time
    from life_cycles
    inner join bridge_trade on life_cycles.trade_id = bridge_trade.trade_id
),

trade_states as (
    select * from {{ ref('sat_trade__brokerage') }} as states
    where
        {{ touched_trades }}
        and not exists (
            select 1 from dim_trade
            where dim_trade.trade_id = states.trade_id
        )
),

trade_events as (
    select * from {{ ref('nhl_trade_event') }} as events
    where
        {{ touched_trades }}
        and not exists (
            select 1 from dim_trade
            where dim_trade.trade_id = events.trade_id
        )
),

trade_rows as (
    select
        trade_id,
        batch_id,
        record_source,
        source_row,
        {{ row_as_text([
            "trade_id", "applied_at", "status_code", "trade_price", "fee_amount", "commission_amount", "tax_amount",
        ]) }} as raw_text
    from trade_states
    union all
    select
        trade_id,
        batch_id,
        record_source,
        source_row,
        {{ row_as_text(["trade_id", "applied_at", "status_code"]) }} as raw_text
    from trade_events
),

rejected_trades as (
    select
        'dim_trade' as model_name,
        trade_rows.trade_id,
        cast(null as bigint) as customer_id,
        trades.symbol,
        cast(trade_rows.trade_id as {{ text }}) as business_key,
        trade_rows.batch_id,
        trade_rows.record_source,
        trade_rows.source_row,
        case
            when trades.trade_id is null then 'no row places this trade'
            when trades.created_at is null then 'no row says when the trade was placed'
            when trades.account_id is null then 'the row names no account'
            when trades.symbol is null then 'the row names no security'
            when (accounts.first_day <= trades.looked_up_on) is not true
                then
                    'no version of account ' || cast(trades.account_id as {{ text }})
                    || ' holds on ' || cast(trades.looked_up_on as {{ text }})
            when (securities.first_day <= trades.looked_up_on) is not true
                then
                    'no version of security ' || trades.symbol
                    || ' holds on ' || cast(trades.looked_up_on as {{ text }})
            when calendar.date_value is null
                then cast(trades.created_on as {{ text }}) || ' is not a day of the calendar'
            when times.time_value is null
                then cast(trades.created_time as {{ text }}) || ' is not a second of the list of times'
            when trades.quantity is null then 'the row has no quantity'
            when trades.bid_price is null then 'the row has no bid price'
            else 'unexplained'
        end as reason,
        case
            when trades.trade_id is null then trade_rows.raw_text
            else trade_rows.raw_text || '|' || {{ row_as_text([
                "trades.account_id", "trades.symbol", "trades.quantity", "trades.bid_price",
            ]) }}
        end as raw_text
    from trade_rows
    left join trades on trade_rows.trade_id = trades.trade_id
    left join accounts on trades.account_id = accounts.account_id
    left join securities on trades.symbol = securities.symbol
    left join calendar on trades.created_on = calendar.date_value
    left join times on trades.created_time = times.time_value
),

---------- holdings

holding_changes as (
    select
        *,
        row_number() over (partition by trade_id, opening_trade_id order by batch_id, source_row) as delivery_number
    from {{ ref('nhl_holding_change') }}
    where {{ touched_trades }}
),

fct_holdings as (
    select * from {{ ref('fct_holdings') }}
),

rejected_holdings as (
    select
        'fct_holdings' as model_name,
        changes.trade_id,
        cast(null as bigint) as customer_id,
        cast(null as {{ text }}) as symbol,
        cast(changes.trade_id as {{ text }}) || ', opened by ' || cast(changes.opening_trade_id as {{ text }})
            as business_key,
        changes.batch_id,
        changes.record_source,
        changes.source_row,
        case
            when changes.delivery_number > 1 then 'this change of the holding was delivered before'
            when dim_trade.trade_id is null
                then 'trade ' || cast(changes.trade_id as {{ text }}) || ' is unknown, or was rejected itself'
            when dim_trade.sk_close_date_id is null or dim_trade.sk_close_time_id is null
                then
                    'trade ' || cast(changes.trade_id as {{ text }})
                    || ' was not completed on a day and second of the calendar'
            when dim_trade.trade_price is null then 'trade ' || cast(changes.trade_id as {{ text }}) || ' has no price'
            when changes.quantity_after is null then 'the row does not say how many shares are held'
            else 'unexplained'
        end as reason,
        {{ row_as_text([
            "changes.opening_trade_id", "changes.trade_id", "changes.quantity_before", "changes.quantity_after",
        ]) }} as raw_text
    from holding_changes as changes
    left join dim_trade on changes.trade_id = dim_trade.trade_id
    where
        changes.delivery_number > 1
        or not exists (
            select 1 from fct_holdings
            where
                fct_holdings.current_trade_id = changes.trade_id
                and fct_holdings.trade_id = changes.opening_trade_id
        )
),

---------- cash

transactions as (
    select * from {{ ref('nhl_cash_transaction') }}
    where {{ new_rows_filter(ref('nhl_cash_transaction'), in_order=true) }}
),

dated_transactions as (
    select
        transactions.*,
        {{ balance_day("transactions", "batches") }} as balance_date,
        {{ version_day("transactions", "cast(transactions.applied_at as date)") }} as looked_up_on
    from transactions
    inner join batches on transactions.batch_id = batches.batch_id
),

rejected_transactions as (
    select
        'fct_cash_balances' as model_name,
        cast(null as bigint) as trade_id,
        cast(null as bigint) as customer_id,
        cast(null as {{ text }}) as symbol,
        'account ' || cast(transactions.account_id as {{ text }})
        || ' at ' || cast(transactions.applied_at as {{ text }})
            as business_key,
        transactions.batch_id,
        transactions.record_source,
        transactions.source_row,
        case
            when calendar.date_value is null
                then cast(transactions.balance_date as {{ text }}) || ' is not a day of the calendar'
            when (accounts.first_day <= transactions.looked_up_on) is not true
                then
                    'no version of account ' || cast(transactions.account_id as {{ text }})
                    || ' holds on ' || cast(transactions.looked_up_on as {{ text }})
            else 'unexplained'
        end as reason,
        {{ row_as_text([
            "transactions.account_id", "transactions.applied_at", "transactions.transaction_amount",
            "transactions.transaction_name",
        ]) }} as raw_text
    from dated_transactions as transactions
    left join accounts on transactions.account_id = accounts.account_id
    left join calendar on transactions.balance_date = calendar.date_value
    where
        calendar.date_value is null
        or (accounts.first_day <= transactions.looked_up_on) is not true
),

---------- prices

daily_prices as (
    select * from {{ ref('nhl_daily_price') }}
    where {{ new_rows_filter(ref('nhl_daily_price'), in_order=true) }}
),

dated_prices as (
    select
        daily_prices.*,
        {{ is_complete_price("daily_prices") }} as is_complete,
        {{ version_day("daily_prices", "daily_prices.price_date") }} as looked_up_on
    from daily_prices
    inner join batches on daily_prices.batch_id = batches.batch_id
),

-- Holds one row for each price that counts.
fifty_two_weeks as (
    select * from {{ ref('bv_daily_price__fifty_two_weeks') }}
    where {{ new_rows_filter(ref('nhl_daily_price'), in_order=true) }}
),

rejected_prices as (
    select
        'fct_market_history' as model_name,
        cast(null as bigint) as trade_id,
        cast(null as bigint) as customer_id,
        prices.symbol,
        prices.symbol || ' on ' || cast(prices.price_date as {{ text }}) as business_key,
        prices.batch_id,
        prices.record_source,
        prices.source_row,
        case
            when calendar.date_value is null
                then cast(prices.price_date as {{ text }}) || ' is not a day of the calendar'
            when (securities.first_day <= prices.looked_up_on) is not true
                then
                    'no version of security ' || prices.symbol
                    || ' holds on ' || cast(prices.looked_up_on as {{ text }})
            when not prices.is_complete then 'the row has no closing price, high, low or volume'
            when fifty_two_weeks.symbol is null then 'the price of this security and day was delivered before'
            else 'unexplained'
        end as reason,
        {{ row_as_text([
            "prices.price_date", "prices.symbol", "prices.close_price", "prices.high_price", "prices.low_price",
            "prices.volume_count",
        ]) }} as raw_text
    from dated_prices as prices
    left join securities on prices.symbol = securities.symbol
    left join calendar on prices.price_date = calendar.date_value
    left join fifty_two_weeks
        on
            prices.symbol = fifty_two_weeks.symbol
            and prices.price_date = fifty_two_weeks.price_date
            and prices.batch_id = fifty_two_weeks.batch_id
            and prices.source_row = fifty_two_weeks.source_row
    where
        fifty_two_weeks.symbol is null
        or (securities.first_day <= prices.looked_up_on) is not true
),

---------- watches

watch_events as (
    select * from {{ ref('nhl_watch_event') }}
    where {{ touched_watches }}
),

-- Events delivered, less those that the fact holds: each of its rows is an event that sets a watch and, if it was
-- removed, one that cancels it.
watch_counts as (
    select
        customer_id,
        symbol,
        1 as event_count
    from watch_events
    union all
    select
        dim_customer.customer_id,
        dim_security.symbol,
        case when fct_watches.sk_date_id_date_removed is null then -1 else -2 end as event_count
    from {{ ref('fct_watches') }} as fct_watches
    inner join {{ ref('dim_customer') }} as dim_customer on fct_watches.sk_customer_id = dim_customer.sk_customer_id
    inner join {{ ref('dim_security') }} as dim_security on fct_watches.sk_security_id = dim_security.sk_security_id
    where {{ touched_watches }}
),

-- Watches are many: only those are put in order of which the fact lacks an event.
incomplete_watches as (
    select
        customer_id,
        symbol
    from watch_counts
    group by customer_id, symbol
    having sum(event_count) <> 0
),

incomplete_events as (
    select watch_events.*
    from watch_events
    inner join incomplete_watches
        on
            watch_events.customer_id = incomplete_watches.customer_id
            and watch_events.symbol = incomplete_watches.symbol
),

{{ followed_watches("incomplete_events") }},

-- An event, and when the watch was set that it sets or cancels.
watches as (
    select
        followed.*,
        case
            when followed.action_code = 'ACTV' then followed.applied_at
            when followed.action_code = 'CNCL' and followed.previous_action_code = 'ACTV'
                then followed.previous_applied_at
        end as placed_at,
        case when followed.action_code = 'ACTV' then followed.batch_id else followed.previous_batch_id end
            as placed_batch_id,
        case when followed.action_code = 'ACTV' then followed.cdc_flag else followed.previous_cdc_flag end
            as placed_cdc_flag
    from followed
),

dated_watches as (
    select
        watches.*,
        cast(watches.placed_at as date) as placed_on,
        case when watches.placed_cdc_flag is null then cast(watches.placed_at as date) else batches.batch_date end
            as looked_up_on
    from watches
    left join batches on watches.placed_batch_id = batches.batch_id
),

judged_watches as (
    select
        watches.*,
        case
            when watches.placed_at is null then 'there is no watch that this row could cancel'
            when (customers.first_day <= watches.looked_up_on) is not true
                then
                    'no version of customer ' || cast(watches.customer_id as {{ text }})
                    || ' holds on ' || cast(watches.looked_up_on as {{ text }})
            when (securities.first_day <= watches.looked_up_on) is not true
                then
                    'no version of security ' || watches.symbol
                    || ' holds on ' || cast(watches.looked_up_on as {{ text }})
            when placed_day.date_value is null
                then cast(watches.placed_on as {{ text }}) || ' is not a day of the calendar'
            when own_day.date_value is null
                then cast(cast(watches.applied_at as date) as {{ text }}) || ' is not a day of the calendar'
        end as reason
    from dated_watches as watches
    left join customers on watches.customer_id = customers.customer_id
    left join securities on watches.symbol = securities.symbol
    left join calendar as placed_day on watches.placed_on = placed_day.date_value
    left join calendar as own_day on cast(watches.applied_at as date) = own_day.date_value
),

unfit_watches as (
    select
        customer_id,
        symbol,
        action_code,
        applied_at,
        batch_id,
        record_source,
        source_row,
        reason
    from judged_watches
    where reason is not null
    union all
    select
        customer_id,
        symbol,
        action_code,
        applied_at,
        batch_id,
        record_source,
        source_row,
        case
            when action_code = 'ACTV' then 'the watch was set before on this day'
            else 'the action is neither ACTV nor CNCL'
        end as reason
    from numbered
    where
        (action_code = 'ACTV' and delivery_number > 1)
        or (action_code in ('ACTV', 'CNCL')) is not true
),

rejected_watches as (
    select
        'fct_watches' as model_name,
        cast(null as bigint) as trade_id,
        customer_id,
        symbol,
        'customer ' || cast(customer_id as {{ text }}) || ', ' || symbol || ' at ' || cast(applied_at as {{ text }})
            as business_key,
        batch_id,
        record_source,
        source_row,
        reason,
        {{ row_as_text(["customer_id", "symbol", "applied_at", "action_code"]) }} as raw_text
    from unfit_watches
),

---------- figures of companies

financials as (
    select
        *,
        row_number() over (
            partition by company_version_hk, reported_year, reported_quarter
            order by applied_at desc, batch_id desc, source_row desc
        ) as recency
    from {{ ref('bv_company__financials') }}
),

financial_records as (
    select * from {{ ref('sat_company__finwire_financials') }}
    where {{ new_rows_filter(ref('sat_company__finwire_financials'), in_order=true) }}
),

rejected_financials as (
    select
        'financials' as model_name,
        cast(null as bigint) as trade_id,
        cast(null as bigint) as customer_id,
        cast(null as {{ text }}) as symbol,
        'company ' || records.company_reference || ', quarter ' || cast(records.reported_quarter as {{ text }})
        || ' of ' || cast(records.reported_year as {{ text }}) as business_key,
        records.batch_id,
        records.record_source,
        records.source_row,
        case
            when financials.company_version_hk is null
                then
                    'no version of company ' || records.company_reference
                    || ' holds on ' || cast(cast(records.applied_at as date) as {{ text }})
            when financials.recency > 1 then 'a later record posts this quarter for the same version of the company'
            else 'unexplained'
        end as reason,
        {{ row_as_text([
            "records.applied_at", "records.company_reference", "records.reported_year", "records.reported_quarter",
            "records.revenue_amount", "records.net_earnings_amount", "records.basic_earnings_per_share",
        ]) }} as raw_text
    from financial_records as records
    inner join financials
        on
            records.batch_id = financials.batch_id
            and records.record_source = financials.record_source
            and records.source_row = financials.source_row
    where
        financials.company_version_hk is null
        or financials.recency > 1
),

---------- lists

{% for name, list in reference_lists().items() %}
    judged_{{ name }} as (
        {{- judged_entries(ref(list.table), list["keys"]) }}
    ),

{% endfor %}

rejected_entries as (
    {%- for name, list in reference_lists().items() %}
        {%- set keys = list["keys"] %}
        select
            '{{ name }}' as model_name,
            cast(null as bigint) as trade_id,
            cast(null as bigint) as customer_id,
            cast(null as {{ text }}) as symbol,
            cast({{ keys[0] }} as {{ text }}) as business_key,
            batch_id,
            record_source,
            source_row,
            'the list has an earlier entry of this key' as reason,
            {{ row_as_text(keys) }} as raw_text
        from judged_{{ name }}
        where
            not is_listed
            and {{ new_rows_filter(ref(list.table), in_order=true) }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

rejected as (
    {{- union_all([
        "rejected_trades",
        "rejected_holdings",
        "rejected_transactions",
        "rejected_prices",
        "rejected_watches",
        "rejected_financials",
        "rejected_entries",
    ]) }}
),

selected as (
    select
        batch_id,
        record_source,
        source_row,
        model_name,
        business_key,
        reason,
        raw_text,
        trade_id,
        customer_id,
        symbol
    from rejected
)

select * from selected
