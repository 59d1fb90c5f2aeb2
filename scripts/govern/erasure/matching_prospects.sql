-- The prospects that once had the name and address of a customer, whenever that was: the match that marketing uses
-- (bv_prospect__customer_match) asks for both at the same time.
with

customers as (
    select distinct
        customer_hk,
        upper(last_name) as last_name,
        upper(first_name) as first_name,
        upper(address_line_1) as address_line_1,
        upper(coalesce(address_line_2, '')) as address_line_2,
        upper(postal_code) as postal_code
    from business_vault.bv_customer__state
),

prospects as (
    select distinct
        prospect_hk,
        upper(last_name) as last_name,
        upper(first_name) as first_name,
        upper(address_line_1) as address_line_1,
        upper(coalesce(address_line_2, '')) as address_line_2,
        upper(postal_code) as postal_code
    from business_vault.bv_prospect__history
),

matched as (
    select distinct
        hub_customer.customer_id,
        hub_prospect.prospect_id
    from customers
    inner join prospects
        on
            customers.last_name = prospects.last_name
            and customers.first_name = prospects.first_name
            and customers.address_line_1 = prospects.address_line_1
            and customers.address_line_2 = prospects.address_line_2
            and customers.postal_code = prospects.postal_code
    inner join raw_vault.hub_customer on customers.customer_hk = hub_customer.customer_hk
    inner join raw_vault.hub_prospect on prospects.prospect_hk = hub_prospect.prospect_hk
)

select * from matched
