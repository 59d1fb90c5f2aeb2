with

phases as (
    select * from {{ ref('int_batches__phases') }}
),

written as (
    select
        'phase_complete' as message_code,
        batch_id,
        'Phase Complete Record' as message_source,
        cast(null as {{ dbt.type_string() }}) as message_data
    from phases
)

select * from written
