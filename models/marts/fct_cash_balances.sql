{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["sk_account_id", "sk_date_id"],
    on_schema_change="append_new_columns",
) }}

with

transactions as (
    select * from {{ ref('nhl_cash_transaction') }}
    where {{ incremental_key_filter(["account_id"], [ref('nhl_cash_transaction')]) }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

dated as (
    select
        transactions.account_id,
        transactions.transaction_amount,
        transactions.batch_id,
        {{ version_day("transactions", "cast(transactions.applied_at as date)") }} as balance_date
    from transactions
    inner join batches on transactions.batch_id = batches.batch_id
),

daily as (
    select
        account_id,
        balance_date,
        batch_id,
        sum(transaction_amount) as net_amount
    from dated
    group by account_id, balance_date, batch_id
),

-- By the account, not by its version: the balance continues when the account changes.
balances as (
    select
        account_id,
        balance_date,
        batch_id,
        sum(net_amount) over (partition by account_id order by balance_date) as cash
    from daily
),

keyed as (
    select
        dim_account.sk_customer_id,
        dim_account.sk_account_id,
        dim_date.sk_date_id,
        cast(balances.cash as decimal(15, 2)) as cash,
        balances.batch_id
    from balances
    left join dim_account
        on
            balances.account_id = dim_account.account_id
            and balances.balance_date >= dim_account.effective_date
            and balances.balance_date < dim_account.end_date
    left join dim_date on balances.balance_date = dim_date.date_value
)

select * from keyed
