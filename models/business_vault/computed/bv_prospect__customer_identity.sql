with

customers as (
    select
        customer_hk,
        upper(last_name) as last_name,
        upper(first_name) as first_name,
        upper(address_line_1) as address_line_1,
        upper(coalesce(address_line_2, '')) as address_line_2,
        upper(postal_code) as postal_code,
        valid_from,
        batch_id
    from {{ ref('bv_customer__state') }}
),

prospects as (
    select
        prospect_hk,
        upper(last_name) as last_name,
        upper(first_name) as first_name,
        upper(address_line_1) as address_line_1,
        upper(coalesce(address_line_2, '')) as address_line_2,
        upper(postal_code) as postal_code,
        cast(valid_from as date) as valid_from,
        batch_id
    from {{ ref('timeline_prospect__prospect') }}
),

identified as (
    select
        customers.customer_hk,
        prospects.prospect_hk,
        greatest(customers.valid_from, prospects.valid_from) as valid_from,
        greatest(customers.batch_id, prospects.batch_id) as batch_id
    from customers
    inner join prospects
        on
            customers.last_name = prospects.last_name
            and customers.first_name = prospects.first_name
            and customers.address_line_1 = prospects.address_line_1
            and customers.address_line_2 = prospects.address_line_2
            and customers.postal_code = prospects.postal_code
),

dated as (
    select
        customer_hk,
        prospect_hk,
        valid_from,
        min(batch_id) as batch_id
    from identified
    group by customer_hk, prospect_hk, valid_from
)

select * from dated
