with

load_log as (
    select * from {{ ref('stg_control__load_log') }}
),

batches as (
    select * from {{ ref('stg_control__batches') }}
),

-- A failed load is logged beside the files of the last one that succeeded.
arrivals as (
    select
        system,
        feed,
        batch_id,
        max(loaded_at) as loaded_at,
        cast(count(case when status = 'loaded' then 1 end) as integer) as file_count,
        coalesce(max(case when status = 'failed' then 1 end), 0) = 1 as has_failed,
        cast(coalesce(sum(case when status = 'loaded' then file_bytes end), 0) as bigint) as file_bytes,
        cast(coalesce(sum(case when status = 'loaded' then rows_read end), 0) as bigint) as rows_read,
        cast(coalesce(sum(case when status = 'loaded' then rows_landed end), 0) as bigint) as rows_landed,
        cast(coalesce(sum(case when status = 'loaded' then rows_quarantined end), 0) as bigint) as rows_quarantined
    from load_log
    group by system, feed, batch_id
),

-- One date for a batch, even if it was delivered twice.
dates as (
    select
        batch_id,
        max(batch_date) as batch_date
    from batches
    group by batch_id
),

final as (
    select
        arrivals.system,
        arrivals.feed,
        arrivals.batch_id,
        dates.batch_date,
        arrivals.loaded_at,
        arrivals.file_count,
        arrivals.has_failed,
        arrivals.file_bytes,
        arrivals.rows_read,
        arrivals.rows_landed,
        arrivals.rows_quarantined
    from arrivals
    left join dates on arrivals.batch_id = dates.batch_id
)

select * from final
