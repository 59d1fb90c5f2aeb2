{{ config(materialized="view", meta={"unaffected_by_masks": true}) }}

with

prospects as (
    select * from {{ ref('prospects') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

dated as (
    select
        prospects.agency_id,
        dim_date.date_value as listed_on,
        prospects.sk_record_date_id = max(prospects.sk_record_date_id) over () as is_listed,
        prospects.is_customer,
        prospects.state,
        prospects.country
    from prospects
    left join dim_date on prospects.sk_record_date_id = dim_date.sk_date_id
)

select * from dated
