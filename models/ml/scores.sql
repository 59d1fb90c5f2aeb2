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
        coalesce(cast(customer_id as {{ dbt.type_string() }}), agency_id) as entity_key,
        customer_id,
        agency_id,
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
