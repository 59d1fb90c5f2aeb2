-- What: dim_time has all 86,400 seconds, and the key of a second is made of its digits.
-- Why: facts store the key computed from a time of day; a missing second would silently drop rows
--   from every join.
-- A returned row: a second whose key or parts are not those of its time, or the number of seconds
--   if it is wrong.
{{ config(severity = 'warn') }}

with

dim_time as (
    select * from {{ ref('dim_time') }}
)

select
    sk_time_id,
    'key, hour, minute or second is not that of the time' as problem
from dim_time
where
    hour_id <> extract(hour from time_value)
    or minute_id <> extract(minute from time_value)
    or second_id <> extract(second from time_value)
    or sk_time_id <> (
        extract(hour from time_value) * 10000
        + extract(minute from time_value) * 100
        + extract(second from time_value)
    )
union all
select
    count(*) as sk_time_id,
    'this many seconds, 86400 expected' as problem
from dim_time
having count(*) <> 86400
