with

watch_history as (
    select * from {{ source('brokerage', 'watch_history') }}
),

renamed as (
    select
        ---------- ids
        w_c_id as customer_id,
        w_s_symb as symbol,
        ---------- attributes
        w_action as action_code,
        ---------- change
        cdc_flag,
        cdc_dsn as sequence_number,
        w_dts as applied_at,
        ---------- load
        {{ load_columns() }}
    from watch_history
)

select * from renamed
