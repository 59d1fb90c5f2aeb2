-- What: every line of the feed is a state of a trade, and the terms of the trade are those of the line that
-- inserted it: no update changes them. If several lines insert it, those of the last one up to the line hold. Lines of
-- a trade that no line inserts are in rejected_rows.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
-- After the marts, so that a row that fails it stops none of them: {{ ref("rejected_rows") }}
with

delivered as (
    select
        cdc_flag,
        cdc_dsn,
        t_id,
        t_dts,
        t_st_id,
        t_tt_id,
        t_is_cash,
        t_s_symb,
        t_qty,
        t_bid_price,
        t_ca_id,
        t_exec_name,
        t_trade_price,
        t_chrg,
        t_comm,
        t_tax,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('brokerage', 'trade') }}
    where t_id in (select nhl_trade.trade_id from {{ ref('nhl_trade') }} as nhl_trade)
),

placed as (
    select
        *,
        row_number() over (partition by trade_id order by batch_id, sequence_number, source_row) as placement_number
    from {{ ref('nhl_trade') }}
),

-- Each line, and how many had placed the trade by then.
states as (
    select
        state.*,
        count(placed.trade_id) over (
            partition by state.trade_id
            order by state.batch_id, state.sequence_number, state.source_row
        ) as placement_count
    from {{ ref('sat_trade__brokerage') }} as state
    left join placed
        on
            state.trade_id = placed.trade_id
            and state.batch_id = placed.batch_id
            and state.record_source = placed.record_source
            and state.source_row = placed.source_row
),

rebuilt as (
    select
        state.cdc_flag,
        state.sequence_number as cdc_dsn,
        state.trade_id as t_id,
        state.applied_at as t_dts,
        state.status_code as t_st_id,
        trade.trade_type_code as t_tt_id,
        trade.is_cash as t_is_cash,
        trade.symbol as t_s_symb,
        trade.quantity as t_qty,
        trade.bid_price as t_bid_price,
        trade.account_id as t_ca_id,
        trade.executed_by as t_exec_name,
        state.trade_price as t_trade_price,
        state.fee_amount as t_chrg,
        state.commission_amount as t_comm,
        state.tax_amount as t_tax,
        state.batch_id,
        state.record_source as source_file,
        state.source_row,
        state.loaded_at
    from states as state
    inner join placed as trade
        on
            state.trade_id = trade.trade_id
            and greatest(state.placement_count, 1) = trade.placement_number
)

{{ differing_lines("delivered", "rebuilt") }}
