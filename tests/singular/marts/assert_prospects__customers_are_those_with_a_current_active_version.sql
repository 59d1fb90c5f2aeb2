-- What: a prospect is a customer if and only if a current, active customer has the same name and
--   address, ignoring case (3.13).
-- Why: the flag changes with the customer, not with the prospect; here it is computed independently,
--   from the finished tables.
-- A returned row: a prospect whose flag is wrong.
with

-- Its name is that of the list, or Unknown if the list has none.
active as (
    select coalesce(max(st_name), 'Unknown') as st_name
    from {{ ref('status_types') }}
    where st_id = 'ACTV'
),

customers as (
    select distinct
        upper(last_name) as last_name,
        upper(first_name) as first_name,
        upper(address_line1) as address_line1,
        coalesce(upper(address_line2), '') as address_line2,
        upper(postal_code) as postal_code
    from {{ ref('dim_customer') }}
    where
        is_current
        and status = (select active.st_name from active)
)

select
    prospects.agency_id,
    prospects.is_customer
from {{ ref('prospects') }} as prospects
left join customers
    on
        upper(prospects.last_name) = customers.last_name
        and upper(prospects.first_name) = customers.first_name
        and upper(prospects.address_line1) = customers.address_line1
        and coalesce(upper(prospects.address_line2), '') = customers.address_line2
        and upper(prospects.postal_code) = customers.postal_code
where prospects.is_customer <> (customers.last_name is not null)
