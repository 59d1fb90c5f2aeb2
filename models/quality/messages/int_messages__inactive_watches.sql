with

watches as (
    select * from {{ ref('fct_watches') }}
),

phases as (
    select * from {{ ref('int_batches__phases') }}
),

-- The batch of a removed watch is the one that removed it.
removed as (
    select
        batch_id,
        count(*) as watch_count
    from watches
    where sk_date_id_date_removed is not null
    group by batch_id
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
        cast(watch_count as varchar) as message_data
    from accumulated
)

select * from written
