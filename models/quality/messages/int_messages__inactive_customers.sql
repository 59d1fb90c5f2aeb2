with

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

phases as (
    select * from {{ ref('int_batches__phases') }}
),

versions as (
    select
        status,
        batch_id,
        lead(batch_id) over (partition by customer_id order by effective_date) as next_batch_id
    from dim_customer
),

-- A version was current after a batch if it had been inserted by then, and the next version had not.
counted as (
    select
        phases.batch_id,
        count(versions.batch_id) as customer_count
    from phases
    left join versions
        on
            phases.batch_id >= versions.batch_id
            and phases.batch_id < coalesce(versions.next_batch_id, phases.batch_id + 1)
            and versions.status = 'Inactive'
    group by phases.batch_id
),

written as (
    select
        'inactive_customers' as message_code,
        batch_id,
        'DimCustomer' as message_source,
        cast(customer_count as {{ dbt.type_string() }}) as message_data
    from counted
)

select * from written
