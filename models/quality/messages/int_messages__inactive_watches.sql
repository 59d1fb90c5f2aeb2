with

removed as (
    select
        batch_id,
        row_count as watch_count
    from {{ ref('int_fact_figures') }}
    where
        message_source = 'FactWatches'
        and figure = 'is_removed'
),

phases as (
    select * from {{ ref('int_batches__phases') }}
),

accumulated as (
    select
        phases.batch_id,
        coalesce(sum(removed.watch_count), 0) as watch_count
    from phases
    left join removed on phases.batch_id >= removed.batch_id
    group by phases.batch_id
),

written as (
    select
        'inactive_watches' as message_code,
        batch_id,
        'FactWatches' as message_source,
        cast(watch_count as {{ dbt.type_string() }}) as message_data
    from accumulated
)

select * from written
