with

sat_customer_crm as (
    select * from {{ ref('sat_customer__crm') }}
),

sat_customer_brokerage as (
    select * from {{ ref('sat_customer__brokerage') }}
),

hub_customer as (
    select * from {{ ref('hub_customer') }}
),

-- Only what the record states counts: a new customer without a tier has none, an update without one keeps the old one.
stated as (
    select
        customer_hk,
        tier,
        batch_id,
        case when action_type = 'NEW' then 'invalid_tier' else 'invalid_tier_update' end as message_code
    from sat_customer_crm
    where
        action_type = 'NEW'
        or (action_type = 'UPDCUST' and {{ array_contains("supplied_fields", "c_tier") }})
    union all
    select
        customer_hk,
        tier,
        batch_id,
        'invalid_tier' as message_code
    from sat_customer_brokerage
),

written as (
    select
        stated.message_code,
        stated.batch_id,
        'DimCustomer' as message_source,
        'C_ID = ' || cast(hub_customer.customer_id as {{ dbt.type_string() }})
        || ', C_TIER = ' || coalesce(cast(stated.tier as {{ dbt.type_string() }}), '') as message_data
    from stated
    inner join hub_customer on stated.customer_hk = hub_customer.customer_hk
    where (stated.tier in (1, 2, 3)) is not true
)

select * from written
