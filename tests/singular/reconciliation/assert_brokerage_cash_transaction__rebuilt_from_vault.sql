-- What: every line of the feed is a row of nhl_cash_transaction, with every value, file and line.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
with

delivered as (
    select
        cdc_flag,
        cdc_dsn,
        ct_ca_id,
        ct_dts,
        ct_amt,
        ct_name,
        batch_id,
        source_file,
        source_row,
        loaded_at
    from {{ source('brokerage', 'cash_transaction') }}
),

rebuilt as (
    select
        nhl_cash_transaction.cdc_flag,
        nhl_cash_transaction.sequence_number as cdc_dsn,
        nhl_cash_transaction.account_id as ct_ca_id,
        nhl_cash_transaction.applied_at as ct_dts,
        nhl_cash_transaction.transaction_amount as ct_amt,
        nhl_cash_transaction.transaction_name as ct_name,
        nhl_cash_transaction.batch_id,
        nhl_cash_transaction.record_source as source_file,
        nhl_cash_transaction.source_row,
        nhl_cash_transaction.loaded_at
    from {{ ref('nhl_cash_transaction') }} as nhl_cash_transaction
)

{{ differing_lines("delivered", "rebuilt") }}
