with

scores as (
    select * from {{ ref('stg_learn__scores') }}
),

selected as (
    select
        ---------- key
        model_name,
        role,
        batch_id,
        customer_id,
        ---------- score
        model_version,
        as_of_date,
        probability,
        is_at_risk,
        ---------- reasons
        reason_1,
        reason_2,
        reason_3,
        ---------- origin
        published_version
    from scores
)

select * from selected
