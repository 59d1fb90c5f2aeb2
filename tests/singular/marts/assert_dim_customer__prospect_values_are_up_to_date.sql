-- What: a current customer names a prospect exactly if one matches it, with the values that the
--   prospect has now (audit check 51).
-- Why: a prospect that changes must reach a customer that does not; nobody else would notice a
--   stale nameplate.
-- A returned row: a current customer and the prospect it names, whose values differ, or who do not
--   match (any more).
with

customers as (
    select * from {{ ref('dim_customer') }}
    where is_current
),

-- Several prospects may match; the customer names one of them.
compared as (
    select
        customers.customer_id,
        customers.agency_id,
        count(prospects.agency_id) as match_count,
        count(
            case
                when
                    row(customers.agency_id, customers.credit_rating, customers.net_worth)
                    is not distinct from row(prospects.agency_id, prospects.credit_rating, prospects.net_worth)
                    and customers.marketing_nameplate is not distinct from prospects.marketing_nameplate
                    then prospects.agency_id
            end
        ) as named_count
    from customers
    left join {{ ref('prospects') }} as prospects
        on
            upper(customers.last_name) = upper(prospects.last_name)
            and upper(customers.first_name) = upper(prospects.first_name)
            and upper(customers.address_line1) = upper(prospects.address_line1)
            and coalesce(upper(customers.address_line2), '') = coalesce(upper(prospects.address_line2), '')
            and upper(customers.postal_code) = upper(prospects.postal_code)
    group by customers.customer_id, customers.agency_id
)

select *
from compared
where
    (match_count > 0 and named_count <> 1)
    or (match_count = 0 and agency_id is not null)
