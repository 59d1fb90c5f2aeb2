with

prospects as (
    select * from {{ ref('bv_prospect__history') }}
),

load_log as (
    select * from {{ ref('load_log') }}
    where
        system = 'prospect'
        and feed = 'prospect'
        and status = 'loaded'
),

batches as (
    select * from {{ ref('stg_control__batches') }}
),

numbered as (
    select
        batch_id,
        row_number() over (partition by prospect_hk order by valid_from) as version_number
    from prospects
),

changed as (
    select
        batch_id,
        count(*) filter (where version_number = 1) as inserted_count,
        count(*) filter (where version_number > 1) as updated_count
    from numbered
    group by batch_id
),

delivered as (
    select
        batch_id,
        sum(rows_read) as source_count
    from load_log
    group by batch_id
),

counted as (
    select
        batches.batch_id,
        coalesce(changed.inserted_count, 0) as inserted_count,
        coalesce(changed.updated_count, 0) as updated_count,
        coalesce(delivered.source_count, 0) as source_count
    from batches
    left join changed on batches.batch_id = changed.batch_id
    left join delivered on batches.batch_id = delivered.batch_id
),

-- In the historical batch all prospects are new, so only their count is reported.
written as (
    select
        'prospects_inserted' as message_code,
        batch_id,
        'Prospect' as message_source,
        cast(inserted_count as {{ dbt.type_string() }}) as message_data
    from counted
    union all
    select
        'prospects_updated' as message_code,
        batch_id,
        'Prospect' as message_source,
        cast(updated_count as {{ dbt.type_string() }}) as message_data
    from counted
    where batch_id > 1
    union all
    select
        'prospects_read' as message_code,
        batch_id,
        'Prospect' as message_source,
        cast(source_count as {{ dbt.type_string() }}) as message_data
    from counted
    where batch_id > 1
)

select * from written
