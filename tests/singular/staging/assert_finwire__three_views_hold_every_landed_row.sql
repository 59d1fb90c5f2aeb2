-- What: every line of the newswire is in exactly one of the views of companies, securities and
--   financial figures.
-- Why: the views split one feed by record type. A type that none of them selects would be lost
--   silently.
-- A returned row: a file whose landed rows differ from the rows of the three views together.
with

landed as (
    select
        batch_id,
        source_file as record_source,
        sum(rows_landed) as row_count
    from {{ source('control', 'load_log') }}
    where
        system = 'finwire'
        and feed = 'record'
        and rows_landed > 0
    group by batch_id, source_file
),

records as (
    select
        batch_id,
        record_source
    from {{ ref('stg_finwire__companies') }}
    union all
    select
        batch_id,
        record_source
    from {{ ref('stg_finwire__securities') }}
    union all
    select
        batch_id,
        record_source
    from {{ ref('stg_finwire__financials') }}
),

viewed as (
    select
        batch_id,
        record_source,
        count(*) as row_count
    from records
    group by batch_id, record_source
)

select
    batch_id,
    record_source,
    landed.row_count as rows_landed,
    viewed.row_count as rows_in_views
from landed
full outer join viewed using (batch_id, record_source)
where
    landed.row_count is null
    or viewed.row_count is null
    or landed.row_count <> viewed.row_count
