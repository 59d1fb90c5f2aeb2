with

implausible_rows as (
    select * from {{ ref('implausible_rows') }}
),

written as (
    select
        message_code,
        batch_id,
        message_source,
        message_data
    from implausible_rows
)

select * from written
