{{ config(materialized="incremental", incremental_strategy="append", on_schema_change="append_new_columns") }}

{#- For each table its official name, the key of a row, and its rules: kind of message, condition, name and value. -#}
{%- set tables = {
    "nhl_trade": (ref("nhl_trade"), "DimTrade", ("T_ID", "trade_id"), [
        ("quantity_not_positive", "quantity <= 0", "T_QTY", "quantity"),
        ("price_not_positive", "bid_price <= 0", "T_BID_PRICE", "bid_price"),
    ]),
    "sat_trade__brokerage": (ref("sat_trade__brokerage"), "DimTrade", ("T_ID", "trade_id"), [
        ("price_not_positive", "trade_price <= 0", "T_TRADE_PRICE", "trade_price"),
        ("negative_amount", "fee_amount < 0", "T_CHRG", "fee_amount"),
        ("negative_amount", "commission_amount < 0", "T_COMM", "commission_amount"),
        ("negative_amount", "tax_amount < 0", "T_TAX", "tax_amount"),
        ("date_far_off", is_far_off("applied_at"), "T_DTS", "applied_at"),
    ]),
    "nhl_trade_event": (ref("nhl_trade_event"), "DimTrade", ("TH_T_ID", "trade_id"), [
        ("date_far_off", is_far_off("applied_at"), "TH_DTS", "applied_at"),
    ]),
    "nhl_daily_price": (ref("nhl_daily_price"), "FactMarketHistory", ("DM_S_SYMB", "symbol"), [
        ("price_not_positive", "close_price <= 0", "DM_CLOSE", "close_price"),
        ("price_not_positive", "high_price <= 0", "DM_HIGH", "high_price"),
        ("price_not_positive", "low_price <= 0", "DM_LOW", "low_price"),
        ("low_above_high", "low_price > high_price", "DM_LOW", "low_price"),
        (
            "close_outside_day",
            "low_price <= high_price and (close_price < low_price or close_price > high_price)",
            "DM_CLOSE",
            "close_price",
        ),
        ("negative_volume", "volume_count < 0", "DM_VOL", "volume_count"),
        ("date_far_off", is_far_off("price_date"), "DM_DATE", "price_date"),
    ]),
    "nhl_holding_change": (ref("nhl_holding_change"), "FactHoldings", ("HH_T_ID", "trade_id"), [
        ("negative_quantity", "quantity_after < 0", "HH_AFTER_QTY", "quantity_after"),
    ]),
    "nhl_cash_transaction": (ref("nhl_cash_transaction"), "FactCashBalances", ("CT_CA_ID", "account_id"), [
        ("date_far_off", is_far_off("applied_at"), "CT_DTS", "applied_at"),
    ]),
    "nhl_watch_event": (ref("nhl_watch_event"), "FactWatches", ("W_C_ID", "customer_id"), [
        ("date_far_off", is_far_off("applied_at"), "W_DTS", "applied_at"),
    ]),
} -%}

{#- Feeds of inserts and updates: official name, the key, and for each of their tables whether a row is an insert. -#}
{%- set changes = {
    "accounts": ("DimAccount", "CA_ID", ref("hub_account"), "account_hk", "account_id", [
        (ref("nhl_account_action"), "action_type in ('NEW', 'ADDACCT')"),
        (ref("sat_account__brokerage"), "cdc_flag = 'I'"),
    ]),
    "customers": ("DimCustomer", "C_ID", ref("hub_customer"), "customer_hk", "customer_id", [
        (ref("sat_customer__crm"), "action_type = 'NEW'"),
        (ref("sat_customer__brokerage"), "cdc_flag = 'I'"),
    ]),
} -%}

{#- One plan for all filters below. In order, because whether a key is known depends on the batches before. #}
{%- if execute and model.resource_type == "model" -%}
    {%- do incremental_plan(
        tables | list
        + ["nhl_account_action", "sat_account__brokerage", "sat_customer__crm", "sat_customer__brokerage"],
        in_order=true,
    ) -%}
{%- endif -%}

with

batches as (
    select * from {{ ref('ref_batch') }}
),

{% for name, (relation, message_source, key, rules) in tables.items() %}
    new_{{ name }} as (
        select * from {{ relation }}
        where {{ new_rows_filter(relation, in_order=true) }}
    ),

    suspect_{{ name }} as (
        select
            delivered.*,
            batches.batch_date
        from new_{{ name }} as delivered
        inner join batches on delivered.batch_id = batches.batch_id
        where
            {%- for _, condition, _, _ in rules %}
                {{ "or " if not loop.first }}({{ condition }})
            {%- endfor %}
    ),

{% endfor %}

implausible_values as (
    {%- for name, (relation, message_source, key, rules) in tables.items() %}
        {%- set is_last_table = loop.last %}
        {%- for message_code, condition, value_name, value in rules %}
            select
                batch_id,
                record_source,
                source_row,
                '{{ message_code }}' as message_code,
                '{{ message_source }}' as message_source,
                '{{ key[0] }} = '
                || cast({{ key[1] }} as varchar)
                || ', {{ value_name }} = '
                || cast({{ value }} as varchar)
                    as message_data
            from suspect_{{ name }}
            where {{ condition }}
            {%- if not (loop.last and is_last_table) %}
                union all
            {%- endif %}
        {%- endfor %}
    {%- endfor %}
),

trades as (
    select * from {{ ref('nhl_trade') }}
),

-- Trades are many: only those of the batch are looked for among the earlier ones.
trades_placed_again as (
    select distinct
        placed.batch_id,
        placed.record_source,
        placed.source_row,
        'insert_of_known_key' as message_code,
        'DimTrade' as message_source,
        'T_ID = ' || cast(placed.trade_id as varchar)
            as message_data
    from new_nhl_trade as placed
    inner join trades
        on
            placed.trade_id = trades.trade_id
            and (
                placed.batch_id > trades.batch_id
                or (placed.batch_id = trades.batch_id and placed.source_row > trades.source_row)
            )
),

{% for name, (message_source, key_name, hub, hash_key, key, parts) in changes.items() %}
    {{ name }}_changed as (
        {%- for relation, is_insert in parts %}
            select
                {{ hash_key }},
                {{ is_insert }} as is_insert,
                {{ new_rows_filter(relation, in_order=true) }} as is_new,
                applied_at,
                sequence_number,
                batch_id,
                record_source,
                source_row
            from {{ relation }}
            {%- if not loop.last %}
                union all
            {%- endif %}
        {%- endfor %}
    ),

    {{ name }}_numbered as (
        select
            *,
            row_number() over (
                partition by {{ hash_key }}
                order by batch_id, applied_at, sequence_number, source_row
            ) as change_number
        from {{ name }}_changed
    ),

    {{ name }}_misnamed as (
        select
            changed.batch_id,
            changed.record_source,
            changed.source_row,
            case when changed.is_insert then 'insert_of_known_key' else 'update_of_unknown_key' end as message_code,
            '{{ message_source }}' as message_source,
            '{{ key_name }} = ' || cast(hub.{{ key }} as varchar)
                as message_data
        from {{ name }}_numbered as changed
        inner join {{ hub }} as hub on changed.{{ hash_key }} = hub.{{ hash_key }}
        where
            changed.is_new
            and changed.is_insert = (changed.change_number > 1)
    ),

{% endfor %}

found as (
    {{- union_all(["implausible_values", "trades_placed_again", "accounts_misnamed", "customers_misnamed"]) }}
)

select * from found
