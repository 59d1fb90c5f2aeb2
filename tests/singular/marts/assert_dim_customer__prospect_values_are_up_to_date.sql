-- What: a current customer refers to a prospect if and only if one matches it, and has the current
--   values of that prospect (audit check 51).
-- Why: a change of the prospect must reach a customer that does not change; no other test would find
--   an outdated nameplate.
-- A returned row: a current customer and its prospect, if their values differ or they do not match.
with

customers as (
    select * from {{ ref('dim_customer') }}
    where is_current
),

-- Several prospects may match; the customer refers to one of them.
compared as (
    select
        customers.customer_id,
        customers.agency_id,
        count(prospects.agency_id) as match_count,
        count(
            case
                when
                    {{ row_value(["customers.agency_id", "customers.credit_rating", "customers.net_worth"]) }}
                    is not distinct from
                    {{ row_value(["prospects.agency_id", "prospects.credit_rating", "prospects.net_worth"]) }}
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
