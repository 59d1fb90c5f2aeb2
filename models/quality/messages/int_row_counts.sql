with

fact_figures as (
    select * from {{ ref('int_fact_figures') }}
    where figure in ('row', 'joined_row')
),

counts as (
    select * from {{ ref('int_row_counts__dimensions') }}
    union all
    select
        message_source,
        batch_id,
        sum(row_count) filter (where figure = 'row') as row_count,
        sum(row_count) filter (where figure = 'joined_row') as joined_row_count
    from fact_figures
    group by message_source, batch_id
),

phases as (
    select * from {{ ref('int_batches__phases') }}
),

validated_tables as (
    select * from {{ ref('validated_tables') }}
),

accumulated as (
    select
        phases.batch_id,
        validated_tables.message_source,
        coalesce(sum(counts.row_count), 0) as row_count,
        case when validated_tables.is_joined then coalesce(sum(counts.joined_row_count), 0) end as joined_row_count
    from phases
    cross join validated_tables
    left join counts
        on
            validated_tables.message_source = counts.message_source
            and phases.batch_id >= counts.batch_id
    group by phases.batch_id, validated_tables.message_source, validated_tables.is_joined
),

typed as (
    select
        batch_id,
        message_source,
        cast(row_count as bigint) as row_count,
        cast(joined_row_count as bigint) as joined_row_count
    from accumulated
)

select * from typed
