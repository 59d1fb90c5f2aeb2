with

dim_account as (
    select * from {{ ref('dim_account') }}
),

calendar as (
    select min(date_value) as first_day
    from {{ ref('bv_date__calendar') }}
),

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

members as (
    select * from renamed
    union all
    -- The unknown member; present only while something refers to it.
    select
        {{ zero_key() }} as sk_broker_id,
        -1 as broker_id,
        null as manager_id,
        'Unknown' as first_name,
        'Unknown' as last_name,
        null as middle_initial,
        null as branch,
        null as office,
        null as phone,
        true as is_current,
        1 as batch_id,
        calendar.first_day as effective_date,
        {{ open_end() }} as end_date
    from calendar
    where
        exists (
            select 1 from dim_account
            where dim_account.sk_broker_id = {{ zero_key() }}
        )
)

select * from members
