with

scores as (
    select * from {{ ref('scores') }}
    where
        model_name = 'conversion'
        and role = 'champion'
),

prospects as (
    select * from {{ ref('prospects') }}
),

last_batch as (
    select max(batch_id) as batch_id
    from scores
),

ranked as (
    select
        ---------- prospect
        prospects.agency_id,
        prospects.state,
        prospects.country,
        ---------- score
        scores.probability,
        cast(rank() over (order by scores.probability desc) as integer) as conversion_rank,
        scores.is_at_risk as is_worth_a_contact,
        ---------- reasons
        scores.reason_1,
        scores.reason_2,
        scores.reason_3,
        ---------- origin
        scores.as_of_date,
        scores.model_version,
        scores.batch_id
    from scores
    inner join last_batch on scores.batch_id = last_batch.batch_id
    inner join prospects on scores.agency_id = prospects.agency_id
)

select * from ranked
