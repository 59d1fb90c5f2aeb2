with

holding_history as (
    select * from {{ source('brokerage', 'holding_history') }}
),

renamed as (
    select
        ---------- ids
        hh_h_t_id as opening_trade_id,
        hh_t_id as trade_id,
        ---------- attributes
        hh_before_qty as quantity_before,
        hh_after_qty as quantity_after,
        ---------- change
        cdc_flag,
        cdc_dsn as sequence_number,
        ---------- load
        {{ load_columns() }}
    from holding_history
)

select * from renamed
