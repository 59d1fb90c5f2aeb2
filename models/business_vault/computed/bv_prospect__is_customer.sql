with

prospects as (
    select * from {{ ref('bv_prospect__history') }}
    where is_current
),

matches as (
    select * from {{ ref('bv_prospect__customer_match') }}
    where is_current
),

customers as (
    select * from {{ ref('bv_customer__history') }}
    where is_current
),

-- Only active customers count.
matched as (
    select distinct matches.prospect_hk
    from matches
    inner join customers on matches.customer_hk = customers.customer_hk
    where customers.status_code = 'ACTV'
),

decided as (
    select
        prospects.prospect_hk,
        matched.prospect_hk is not null as is_customer
    from prospects
    left join matched on prospects.prospect_hk = matched.prospect_hk
)

select * from decided
