with

prospects as (
    select * from {{ ref('bv_prospect__history') }}
    where is_current
),

customer_flags as (
    select * from {{ ref('bv_prospect__is_customer') }}
),

hub_prospect as (
    select * from {{ ref('hub_prospect') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

described as (
    select
        hub_prospect.prospect_id as agency_id,
        record_date.sk_date_id as sk_record_date_id,
        update_date.sk_date_id as sk_update_date_id,
        prospects.batch_id,
        customer_flags.is_customer,
        prospects.last_name,
        prospects.first_name,
        prospects.middle_initial,
        prospects.gender,
        prospects.address_line_1 as address_line1,
        prospects.address_line_2 as address_line2,
        prospects.postal_code,
        prospects.city,
        prospects.state_province as state,
        prospects.country,
        prospects.phone,
        prospects.income_amount as income,
        prospects.car_count as number_cars,
        prospects.child_count as number_children,
        prospects.marital_status_code as marital_status,
        prospects.age,
        prospects.credit_rating,
        prospects.own_or_rent_code as own_or_rent_flag,
        prospects.employer,
        prospects.credit_card_count as number_credit_cards,
        prospects.net_worth_amount as net_worth,
        prospects.marketing_nameplate
    from prospects
    inner join hub_prospect on prospects.prospect_hk = hub_prospect.prospect_hk
    inner join customer_flags on prospects.prospect_hk = customer_flags.prospect_hk
    left join dim_date as record_date on prospects.last_listed_on = record_date.date_value
    left join dim_date as update_date on prospects.valid_from = update_date.date_value
)

select * from described
