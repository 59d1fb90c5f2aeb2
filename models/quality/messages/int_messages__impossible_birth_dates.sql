with

sat_customer_crm as (
    select * from {{ ref('sat_customer__crm') }}
),

sat_customer_brokerage as (
    select * from {{ ref('sat_customer__brokerage_personal') }}
),

hub_customer as (
    select * from {{ ref('hub_customer') }}
),

phases as (
    select * from {{ ref('int_batches__phases') }}
),

-- A field that an update leaves out is NULL here, and is not reported.
stated as (
    select
        customer_hk,
        birth_date,
        batch_id
    from sat_customer_crm
    where action_type in ('NEW', 'UPDCUST')
    union all
    select
        customer_hk,
        birth_date,
        batch_id
    from sat_customer_brokerage
),

written as (
    select
        'birth_date_out_of_range' as message_code,
        stated.batch_id,
        'DimCustomer' as message_source,
        'C_ID = ' || cast(hub_customer.customer_id as {{ dbt.type_string() }})
        || ', C_DOB = ' || cast(stated.birth_date as {{ dbt.type_string() }}) as message_data
    from stated
    inner join hub_customer on stated.customer_hk = hub_customer.customer_hk
    inner join phases on stated.batch_id = phases.batch_id
    where
        stated.birth_date < phases.batch_date - interval '100 years'
        or stated.birth_date > phases.batch_date
)

select * from written
