-- What: every broker is valid from the first day of dim_date (audit checks 12 and 27).
-- Why: accounts and trades of any age look up their broker by date; a later start would leave them
--   without one.
-- A returned row: a broker that starts on another day.
with

calendar as (
    select min(date_value) as first_day
    from {{ ref('dim_date') }}
)

select
    dim_broker.broker_id,
    dim_broker.effective_date,
    calendar.first_day
from {{ ref('dim_broker') }} as dim_broker
cross join calendar
where dim_broker.effective_date <> calendar.first_day
