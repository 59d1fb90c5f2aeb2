{{ config(materialized="view", contract={"enforced": true}) }}

with

batches as (
    select * from {{ ref('stg_control__batches') }}
),

-- Batch 0 is the empty warehouse before the first load. It is logged with the first batch that landed.
phases as (
    select
        0 as batch_id,
        cast(null as date) as batch_date,
        min(loaded_at) as logged_at
    from batches
    having count(*) > 0
    union all
    select
        batch_id,
        batch_date,
        loaded_at as logged_at
    from batches
)

select * from phases
