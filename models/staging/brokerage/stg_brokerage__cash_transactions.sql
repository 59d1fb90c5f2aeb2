with

cash_transaction as (
    select * from {{ source('brokerage', 'cash_transaction') }}
),

renamed as (
    select
        ---------- ids
        ct_ca_id as account_id,
        ---------- attributes
        ct_amt as transaction_amount,
        ct_name as transaction_name,
        ---------- change
        cdc_flag,
        cdc_dsn as sequence_number,
        ct_dts as applied_at,
        ---------- load
        {{ load_columns() }}
    from cash_transaction
)

select * from renamed
