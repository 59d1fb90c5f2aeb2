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
        valid_to,
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
        valid_from,
        valid_to,
        batch_id
    from {{ ref('bv_prospect__history') }}
),

matched as (
    select
        ---------- ids
        customers.customer_hk,
        prospects.prospect_hk,
        customers.valid_from as customer_valid_from,
        prospects.valid_from as prospect_valid_from,
        ---------- validity
        greatest(customers.valid_from, prospects.valid_from) as valid_from,
        least(customers.valid_to, prospects.valid_to) as valid_to,
        least(customers.valid_to, prospects.valid_to) = {{ open_end() }} as is_current,
        ---------- load
        greatest(customers.batch_id, prospects.batch_id) as batch_id
    from customers
    inner join prospects
        on
            customers.last_name = prospects.last_name
            and customers.first_name = prospects.first_name
            and customers.address_line_1 = prospects.address_line_1
            and customers.address_line_2 = prospects.address_line_2
            and customers.postal_code = prospects.postal_code
            and customers.valid_from < prospects.valid_to
            and customers.valid_to > prospects.valid_from
)

select * from matched
