{{ config(materialized="table", contract={"enforced": true}) }}

with

di_messages as (
    select * from {{ ref('di_messages') }}
    where message_type = 'Validation'
),

counted as (
    select
        batch_id,
        message_source,
        max(case when message_text = 'Row count' then cast(message_data as bigint) end) as row_count,
        max(case when message_text = 'Row count joined' then cast(message_data as bigint) end) as joined_row_count,
        max(case when message_text like 'Inactive%' then cast(message_data as bigint) end) as inactive_count
    from di_messages
    group by batch_id, message_source
),

compared as (
    select
        *,
        lag(row_count) over (partition by message_source order by batch_id) as previous_row_count
    from counted
)

select * from compared
