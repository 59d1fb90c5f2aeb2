with

days as (
    select * from {{ ref('bv_date__calendar') }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

span as (
    select
        min(batch_date) as first_batch_date,
        max(batch_date) as last_batch_date
    from batches
),

-- The end of a quarter or week is the day before the first day of the next one. Prospects are not known before the
-- first batch.
marked as (
    select
        cast(days.date_value as date) as as_of_date,
        days.date_value >= cast('{{ var("features_from") }}' as date)
        and extract(day from {{ dbt.dateadd("day", 1, "days.date_value") }}) = 1
        and extract(month from {{ dbt.dateadd("day", 1, "days.date_value") }}) in (1, 4, 7, 10)
            as is_quarter_end,
        days.date_value >= span.first_batch_date
        and cast({{ dbt.date_trunc("week", dbt.dateadd("day", 1, "days.date_value")) }} as date)
        = cast({{ dbt.dateadd("day", 1, "days.date_value") }} as date)
            as is_week_end
    from days
    inner join span on days.date_value <= span.last_batch_date
),

periods as (
    select * from marked
    where
        is_quarter_end
        or is_week_end
),

candidates as (
    select * from periods
    union all
    select
        last_batch_date as as_of_date,
        false as is_quarter_end,
        false as is_week_end
    from span
    where last_batch_date not in (select periods.as_of_date from periods)
),

-- Nobody can know a day before it is over: a batch of that day, or of a later one, has come.
completed as (
    select
        candidates.as_of_date,
        candidates.is_quarter_end,
        candidates.is_week_end,
        candidates.as_of_date = max(candidates.as_of_date) over () as is_last,
        min(batches.batch_id) as complete_batch_id
    from candidates
    inner join batches on candidates.as_of_date <= batches.batch_date
    group by candidates.as_of_date, candidates.is_quarter_end, candidates.is_week_end
),

-- What is older than the historical batch was never known but through it.
known as (
    select
        completed.as_of_date,
        coalesce(max(batches.batch_id), 0) as last_batch_id
    from completed
    left join batches on completed.as_of_date >= batches.batch_date
    group by completed.as_of_date
),

first_batch as (
    select min(batch_id) as batch_id
    from batches
),

selected as (
    select
        completed.as_of_date,
        completed.is_quarter_end,
        completed.is_week_end,
        completed.is_last,
        ---------- cut-offs
        greatest(known.last_batch_id, first_batch.batch_id) as known_batch_id,
        completed.complete_batch_id,
        cast({{ dbt.dateadd("day", 1, "completed.as_of_date") }} as timestamp) as known_until,
        ---------- windows
        cast({{ dbt.dateadd("day", -89, "completed.as_of_date") }} as timestamp) as window_from,
        cast({{ dbt.dateadd("day", -6, "completed.as_of_date") }} as timestamp) as last_prices_from,
        cast({{ dbt.dateadd("day", -96, "completed.as_of_date") }} as timestamp) as earlier_prices_from
    from completed
    inner join known on completed.as_of_date = known.as_of_date
    cross join first_batch
)

select * from selected
