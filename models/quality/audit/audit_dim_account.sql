with

dim_account as (
    select * from {{ ref('dim_account') }}
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_broker as (
    select * from {{ ref('dim_broker') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

versions as (
    select
        *,
        lead(effective_date) over (partition by account_id order by effective_date) as next_effective_date
    from dim_account
),

counted as (
    select
        {{ version_counts("sk_account_id", "account_id") }},
        {{ batches_found("versions.batch_id") }} as batches_found,
        count(*) filter (where versions.status not in ('Active', 'Inactive')) as unknown_status_count,
        count(*) filter (where versions.batch_id = 1 and versions.tax_status not in (0, 1, 2))
            as unknown_tax_status_count,
        count(*) filter (
            where (
                dim_customer.effective_date <= versions.effective_date
                and versions.end_date <= dim_customer.end_date
            ) is not true
        ) as outside_customer_count,
        count(*) filter (
            where (
                dim_broker.effective_date <= versions.effective_date
                and versions.end_date <= dim_broker.end_date
            ) is not true
        ) as outside_broker_count
    from versions
    left join dim_customer on versions.sk_customer_id = dim_customer.sk_customer_id
    left join dim_broker on versions.sk_broker_id = dim_broker.sk_broker_id
),

followed_customers as (
    select
        *,
        lag(status) over (partition by customer_id order by effective_date) as previous_status
    from dim_customer
),

-- For each version with which a customer becomes inactive: whether any of its accounts is inactive. Later versions do
-- not count: by then an account may be active again.
inactive_customers as (
    select
        followed_customers.sk_customer_id,
        bool_or(dim_account.status = 'Inactive') as has_inactive_account
    from followed_customers
    inner join dim_account on followed_customers.sk_customer_id = dim_account.sk_customer_id
    where
        followed_customers.status = 'Inactive'
        and followed_customers.previous_status is distinct from 'Inactive'
    group by followed_customers.sk_customer_id
),

contradicting as (
    select count(*) as customer_count
    from inactive_customers
    where not has_inactive_account
),

compared as (
    select
        counted.*,
        {{ last_batch() }} as last_batch,
        contradicting.customer_count as contradicting_count
    from counted
    cross join contradicting
),

inserted as (
    {{- inserted_versions("dim_account") }}
),

by_batch as (
    select
        inserted.*,
        figures.ca_addacct + figures.ca_closeacct + figures.ca_updacct - figures.ca_id_hist as account_events,
        figures.c_new + figures.c_updcust + figures.c_inact - figures.c_id_hist as customer_events
    from inserted
    inner join figures on inserted.batch_id = figures.batch_id
),

historical as (
    select * from by_batch
    where batch_id = 1
),

incremental as (
    select * from by_batch
    where batch_id > 1
),

checks as (
    {{- audit_checks("compared", version_checks(16) + [
        (21, "last_batch", "batches_found"),
        (23, "0", "wrongly_current_count"),
        (24, "0", "unknown_status_count"),
        (25, "0", "unknown_tax_status_count"),
        (26, "0", "outside_customer_count"),
        (27, "0", "outside_broker_count"),
        (28, "0", "contradicting_count"),
    ]) }}
    union all
    {{- audit_checks("historical", [(14, "account_events + customer_events", "inserted_count")], batch_id="batch_id") }}
    union all
    {{- audit_checks("incremental", [(15, "account_events", "inserted_count")], batch_id="batch_id") }}
    union all
    {{- audit_checks("by_batch", [(22, "0", "outside_batch_count")], batch_id="batch_id") }}
)

select * from checks
