-- The prospects that once had the name and address of a customer, whenever that was: the match that marketing uses
-- (bv_prospect__customer_match) asks for both at the same time.
select distinct
    hub_customer.customer_id,
    hub_prospect.prospect_id
from business_vault.bv_prospect__customer_identity as identity
inner join raw_vault.hub_customer as hub_customer on identity.customer_hk = hub_customer.customer_hk
inner join raw_vault.hub_prospect as hub_prospect on identity.prospect_hk = hub_prospect.prospect_hk
