with

trade_history as (
    select * from {{ source('brokerage', 'trade_history') }}
),

renamed as (
    select
        ---------- ids
        th_t_id as trade_id,
        ---------- attributes
        th_st_id as status_code,
        ---------- change
        source_row as sequence_number,
        th_dts as applied_at,
        ---------- load
        {{ load_columns() }}
    from trade_history
)

select * from renamed
