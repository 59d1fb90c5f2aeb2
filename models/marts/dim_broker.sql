with

brokers as (
    select * from {{ ref('bv_broker__history') }}
),

renamed as (
    select
        broker_version_hk as sk_broker_id,
        broker_id,
        manager_id,
        first_name,
        last_name,
        middle_initial,
        branch,
        office,
        phone,
        is_current,
        batch_id,
        valid_from as effective_date,
        valid_to as end_date
    from brokers
)

select * from renamed
