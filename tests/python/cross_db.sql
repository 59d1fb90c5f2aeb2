{# What macros of macros/cross_db give that no small model shows: one row for each pair of moments, all values as text. #}
with

given as (
    select
        cast(first_moment as timestamp) as first_moment,
        cast(last_moment as timestamp) as last_moment,
        name
    from (
        values
        ('2024-02-28 23:59:59.999', '2024-03-01 00:00:00', 'B'),
        ('1899-12-31 00:00:01', '1900-01-01 12:30:45.5', 'a'),
        ('2026-11-30 08:05:09', null, null)
    ) as given (first_moment, last_moment, name)
),

timed as (
    select
        given.*,
        {{ time_of_day("first_moment") }} as first_time,
        {{ time_of_day("last_moment") }} as last_time,
        {{ days_between("cast(first_moment as date)", "cast(last_moment as date)") }} as days
    from given
),

described as (
    select
        cast(first_moment as date) as first_day,
        days,
        cast({{ dbt.dateadd("day", 2, "cast(first_moment as date)") }} as date) as two_days_later,
        cast({{ dbt.dateadd("month", -1, "first_moment") }} as date) as a_month_before,
        cast({{ dbt.datediff("cast(first_moment as date)", "cast(last_moment as date)", "day") }} as integer) as days_of_dbt,
        cast(first_time as {{ dbt.type_string() }}) as first_time,
        cast({{ second_of_day("first_time") }} as integer) as first_second,
        cast({{ second_of_day("last_time") }} as integer) as last_second,
        cast({{ hash_text("name") }} as {{ dbt.type_string() }}) as name_hash,
        cast(cast({{ zero_key() }} as {{ type_hash() }}) as {{ dbt.type_string() }}) as zero_key,
        cast({{ shift_right("cast(days as bigint) * 131072 + 5", 17) }} as integer) as shifted_days,
        {{ row_value(["name", "days"]) }} is distinct from {{ row_value(["name", "days"]) }} as differs_from_itself,
        row_number() over (order by {{ binary_collation("coalesce(name, '')") }}) as name_number
    from timed
),

joined as (
    select
        {{ dbt.listagg("name", "'+'", "order by name") }} as names
    from given
),

figures as (
    select
        2 as batch_id,
        count(*) as row_count,
        count(name) as name_count
    from given
),

checks as (
    {{ audit_checks("figures", [(1, "row_count", "name_count"), (2, "name_count", "name_count")], batch_id="batch_id", subject="'given'") }}
)

select
    described.*,
    joined.*,
    checks.*
from described
cross join joined
cross join checks
order by described.first_day, checks.check_number
