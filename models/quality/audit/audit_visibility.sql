with

visibility as (
    select * from {{ ref('stg_operations__visibility') }}
),

in_order as (
    select
        table_name,
        observed_at,
        version,
        published_batch_id,
        row_count,
        joined_row_count,
        lag(row_count) over same_table as previous_row_count,
        lag(version) over same_table as previous_version,
        lag(published_batch_id) over same_table as previous_batch_id
    from visibility
    window same_table as (partition by watch_id, table_name order by observed_at)
),

-- A version that holds no later batch is a correction, or a new beginning: both may have fewer rows.
compared as (
    select
        table_name,
        observed_at,
        row_count,
        joined_row_count,
        case
            when published_batch_id > previous_batch_id or version = previous_version then previous_row_count
            else row_count
        end as previous_row_count
    from in_order
),

ranked as (
    select
        table_name,
        row_count,
        joined_row_count,
        previous_row_count,
        row_number() over (
            partition by table_name
            order by row_count - previous_row_count, observed_at
        ) as place_by_fall,
        row_number() over (
            partition by table_name
            order by joined_row_count - row_count, observed_at
        ) as place_by_gap
    from compared
),

worst_falls as (
    select * from ranked
    where place_by_fall = 1
),

worst_gaps as (
    select * from ranked
    where
        place_by_gap = 1
        and joined_row_count is not null
),

checks as (
    {{- audit_checks("worst_falls", [
        (129, "previous_row_count", "row_count"),
    ], subject="table_name") }}
    union all
    {{- audit_checks("worst_gaps", [
        (130, "row_count", "joined_row_count"),
    ], subject="table_name") }}
)

select * from checks
