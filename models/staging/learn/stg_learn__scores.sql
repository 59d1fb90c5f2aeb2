with

score as (
    select * from {{ source('learn', 'score') }}
),

renamed as (
    select
        ---------- ids
        model_name,
        role,
        customer_id,
        agency_id,
        ---------- attributes
        model_version,
        as_of_date,
        probability,
        is_at_risk,
        reason_1,
        reason_2,
        reason_3,
        published_version,
        ---------- load
        {{ load_columns() }}
    from score
)

select * from renamed
