with

scores as (
    select * from {{ ref('scores') }}
    where
        model_name = 'attrition'
        and role = 'champion'
),

customers as (
    select * from {{ ref('rpt_customer_360') }}
),

last_batch as (
    select max(batch_id) as batch_id
    from scores
),

ranked as (
    select
        ---------- customer
        customers.customer_id,
        customers.sk_customer_id,
        customers.tier,
        customers.total_amount,
        ---------- score
        scores.probability,
        cast(rank() over (order by scores.probability desc) as integer) as risk_rank,
        scores.is_at_risk,
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
    inner join customers on scores.customer_id = customers.customer_id
)

select * from ranked
