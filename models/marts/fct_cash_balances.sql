{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["sk_account_id", "sk_date_id"],
    on_schema_change="append_new_columns",
    pre_hook="{{ drop_affected_rows(affected_balances()) }}",
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
        {{ balance_day("transactions", "batches") }} as balance_date,
        {{ version_day("transactions", "cast(transactions.applied_at as date)") }} as looked_up_on
    from transactions
    inner join batches on transactions.batch_id = batches.batch_id
),

daily as (
    select
        account_id,
        balance_date,
        max(looked_up_on) as looked_up_on,
        sum(transaction_amount) as net_amount,
        max(batch_id) as batch_id
    from dated
    group by account_id, balance_date
),

-- A transaction on a day without a version of its account, or outside the calendar, is not here but in
-- quality.rejected_rows.
keyed as (
    select
        daily.account_id,
        dim_account.sk_customer_id,
        dim_account.sk_account_id,
        dim_date.sk_date_id,
        daily.balance_date,
        daily.net_amount,
        daily.batch_id
    from daily
    inner join dim_account
        on
            daily.account_id = dim_account.account_id
            and daily.looked_up_on >= dim_account.effective_date
            and daily.looked_up_on < dim_account.end_date
    inner join dim_date on daily.balance_date = dim_date.date_value
),

-- By the account, not by its version: the balance continues when the account changes.
balances as (
    select
        sk_customer_id,
        sk_account_id,
        sk_date_id,
        cast(sum(net_amount) over (partition by account_id order by balance_date) as decimal(15, 2)) as cash,
        batch_id
    from keyed
)

select * from balances
