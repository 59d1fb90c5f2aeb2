{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["sk_customer_id", "sk_security_id", "sk_date_id_date_placed"],
    on_schema_change="append_new_columns",
    pre_hook="{{ drop_affected_rows(affected_watches()) }}",
) }}

with

watch_events as (
    select * from {{ ref('nhl_watch_event') }}
    where {{ incremental_key_filter(["customer_id", "symbol"], [ref('nhl_watch_event')]) }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
    where sk_customer_id <> {{ zero_key() }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

{{ followed_watches("watch_events") }},

watches as (
    select
        followed.customer_id,
        followed.symbol,
        cast(followed.applied_at as date) as placed_on,
        case when followed.next_action_code = 'CNCL' then cast(followed.next_applied_at as date) end as removed_on,
        {{ version_day("followed", "cast(followed.applied_at as date)") }} as looked_up_on,
        case when followed.next_action_code = 'CNCL' then followed.next_batch_id else followed.batch_id end as batch_id
    from followed
    inner join batches on followed.batch_id = batches.batch_id
    where followed.action_code = 'ACTV'
),

-- A watch without a customer or a security on its day, or outside the calendar, is not here but in
-- quality.rejected_rows.
keyed as (
    select
        dim_customer.sk_customer_id,
        dim_security.sk_security_id,
        placed_date.sk_date_id as sk_date_id_date_placed,
        removed_date.sk_date_id as sk_date_id_date_removed,
        watches.batch_id
    from watches
    inner join dim_customer
        on
            watches.customer_id = dim_customer.customer_id
            and watches.looked_up_on >= dim_customer.effective_date
            and watches.looked_up_on < dim_customer.end_date
    inner join dim_security
        on
            watches.symbol = dim_security.symbol
            and watches.looked_up_on >= dim_security.effective_date
            and watches.looked_up_on < dim_security.end_date
    inner join dim_date as placed_date on watches.placed_on = placed_date.date_value
    left join dim_date as removed_date on watches.removed_on = removed_date.date_value
)

select * from keyed
