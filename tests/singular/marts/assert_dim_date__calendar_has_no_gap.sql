-- What: dim_date has every day from its first to its last, and the key of a day is made of its
--   digits.
-- Why: facts store the key computed from a date. A missing day or an unexpected key would silently
--   drop rows from every join.
-- A returned row: a day that does not follow the one before it, or whose key is not its YYYYMMDD.
{{ config(severity = 'warn') }}

with

ordered as (
    select
        sk_date_id,
        date_value,
        lag(date_value) over (order by date_value) as previous_date
    from {{ ref('dim_date') }}
)

select
    sk_date_id,
    date_value,
    previous_date
from ordered
where
    {{ days_between("previous_date", "date_value") }} <> 1
    or sk_date_id <> (
        extract(year from date_value) * 10000
        + extract(month from date_value) * 100
        + extract(day from date_value)
    )
