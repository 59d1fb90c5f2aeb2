with

row_counts as (
    select * from {{ ref('int_row_counts') }}
),

written as (
    select
        'row_count' as message_code,
        batch_id,
        message_source,
        cast(row_count as {{ dbt.type_string() }}) as message_data
    from row_counts
    union all
    select
        'row_count_joined' as message_code,
        batch_id,
        message_source,
        cast(joined_row_count as {{ dbt.type_string() }}) as message_data
    from row_counts
    where joined_row_count is not null
)

select * from written
