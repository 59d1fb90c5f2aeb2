with

trades as (
    select * from {{ ref('dim_trade') }}
),

dim_broker as (
    select * from {{ ref('dim_broker') }}
),

dim_company as (
    select * from {{ ref('dim_company') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

figures as (
    select
        *,
        min(first_day) over () as very_first_day
    from {{ ref('int_audit_figures') }}
),

validations as (
    select * from {{ ref('int_audit_validations') }}
    where message_source = 'DimTrade'
),

alerts as (
    select * from {{ ref('di_messages') }}
    where message_type = 'Alert'
),

-- An open limit order may be older than its batch.
judged as (
    select
        trades.trade_id,
        trades.batch_id,
        trades.status,
        trades.type,
        {{ is_inside_version("created.date_value", "dim_broker") }} as is_inside_broker,
        {{ is_inside_version("created.date_value", "dim_company") }} as is_inside_company,
        {{ is_inside_version("created.date_value", "dim_security") }} as is_inside_security,
        {{ is_inside_version("created.date_value", "dim_customer") }} as is_inside_customer,
        {{ is_inside_version("created.date_value", "dim_account") }} as is_inside_account,
        case
            when trades.sk_close_date_id is not null
                then
                    closed.date_value between figures.first_day and figures.last_day
                    and trades.sk_create_date_id <= trades.sk_close_date_id
            when trades.type like 'Limit%'
                then created.date_value between figures.very_first_day and figures.last_day
            else created.date_value between figures.first_day and figures.last_day
        end as is_inside_batch
    from trades
    left join dim_broker on trades.sk_broker_id = dim_broker.sk_broker_id
    left join dim_company on trades.sk_company_id = dim_company.sk_company_id
    left join dim_security on trades.sk_security_id = dim_security.sk_security_id
    left join dim_customer on trades.sk_customer_id = dim_customer.sk_customer_id
    left join dim_account on trades.sk_account_id = dim_account.sk_account_id
    left join dim_date as created on trades.sk_create_date_id = created.sk_date_id
    left join dim_date as closed on trades.sk_close_date_id = closed.sk_date_id
    left join figures on trades.batch_id = figures.batch_id
),

counted as (
    select
        {{ batches_found("batch_id") }} as batches_found,
        count(*) as row_count,
        count(distinct trade_id) as trade_count,
        count(*) filter (where status = 'Canceled') as canceled_count,
        count(*) filter (where not is_inside_broker) as outside_broker_count,
        count(*) filter (where not is_inside_company) as outside_company_count,
        count(*) filter (where not is_inside_security) as outside_security_count,
        count(*) filter (where not is_inside_customer) as outside_customer_count,
        count(*) filter (where not is_inside_account) as outside_account_count,
        count(*) filter (where status not in ('Canceled', 'Pending', 'Submitted', 'Active', 'Completed'))
            as unknown_status_count,
        count(*) filter (where type not in ('Market Buy', 'Market Sell', 'Stop Loss', 'Limit Sell', 'Limit Buy'))
            as unknown_type_count
    from judged
),

alerted as (
    select
        count(*) filter (where message_text = 'Invalid trade commission') as commission_alert_count,
        count(*) filter (where message_text = 'Invalid trade fee') as fee_alert_count
    from alerts
),

official as (
    select
        max(batch_id) as last_batch,
        sum(t_canceled_trades) as canceled_trades,
        sum(t_invalid_commission) as invalid_commissions,
        sum(t_invalid_charge) as invalid_charges
    from figures
),

compared as (
    select
        counted.*,
        alerted.*,
        official.*
    from counted
    cross join alerted
    cross join official
),

outside_batch as (
    select
        batch_id,
        count(*) as outside_batch_count
    from judged
    where is_inside_batch is not true
    group by batch_id
),

by_batch as (
    select
        figures.batch_id,
        sum(figures.t_new) over (order by figures.batch_id) as new_trades,
        validations.row_count,
        coalesce(outside_batch.outside_batch_count, 0) as outside_batch_count
    from figures
    left join validations on figures.batch_id = validations.batch_id
    left join outside_batch on figures.batch_id = outside_batch.batch_id
),

checks as (
    {{- audit_checks("compared", [
        (90, "canceled_trades", "canceled_count"),
        (91, "invalid_commissions", "commission_alert_count"),
        (92, "invalid_charges", "fee_alert_count"),
        (93, "last_batch", "batches_found"),
        (94, "row_count", "trade_count"),
        (95, "0", "outside_broker_count"),
        (96, "0", "outside_company_count"),
        (97, "0", "outside_security_count"),
        (98, "0", "outside_customer_count"),
        (99, "0", "outside_account_count"),
        (101, "0", "unknown_status_count"),
        (102, "0", "unknown_type_count"),
    ]) }}
    union all
    {{- audit_checks("by_batch", [
        (89, "new_trades", "row_count"),
        (100, "0", "outside_batch_count"),
    ], batch_id="batch_id") }}
)

select * from checks
