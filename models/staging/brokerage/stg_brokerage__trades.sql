with

trade as (
    select * from {{ source('brokerage', 'trade') }}
),

renamed as (
    select
        ---------- ids
        t_id as trade_id,
        t_ca_id as account_id,
        t_s_symb as symbol,
        ---------- attributes
        t_st_id as status_code,
        t_tt_id as trade_type_code,
        t_is_cash as is_cash,
        t_qty as quantity,
        t_bid_price as bid_price,
        t_exec_name as executed_by,
        t_trade_price as trade_price,
        t_chrg as fee_amount,
        t_comm as commission_amount,
        t_tax as tax_amount,
        ---------- change
        cdc_flag,
        cdc_dsn as sequence_number,
        t_dts as applied_at,
        ---------- load
        {{ load_columns() }}
    from trade
)

select * from renamed
