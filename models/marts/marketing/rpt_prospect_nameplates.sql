with

nameplates as (
    select * from {{ ref('bv_prospect__nameplates') }}
    where is_current
),

bv_prospects as (
    select * from {{ ref('bv_prospect__history') }}
    where is_current
),

hub_prospect as (
    select * from {{ ref('hub_prospect') }}
),

prospects as (
    select * from {{ ref('prospects') }}
),

tagged as (
    select
        prospects.agency_id,
        nameplates.nameplate,
        bv_prospects.is_listed,
        prospects.is_customer,
        prospects.state,
        prospects.country,
        prospects.sk_update_date_id,
        prospects.batch_id
    from nameplates
    inner join bv_prospects on nameplates.prospect_hk = bv_prospects.prospect_hk
    inner join hub_prospect on nameplates.prospect_hk = hub_prospect.prospect_hk
    inner join prospects on hub_prospect.prospect_id = prospects.agency_id
)

select * from tagged
