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
),

unknown_member as (
    {{- unknown_member("sk_broker_id", "broker_id", {
        "first_name": "'Unknown'",
        "last_name": "'Unknown'",
    }, ref("dim_account"), "sk_broker_id") }}
),

members as (
    select * from renamed
    union all
    select * from unknown_member
)

select * from members
