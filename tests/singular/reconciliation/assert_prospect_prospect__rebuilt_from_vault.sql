-- What: the full list of each batch follows from the prospects that entered or left, and the last description of each.
-- File and line of an unchanged prospect are those of an older batch, so they are not compared.
-- A returned row: a row of the feed the vault cannot rebuild (`lost`), or one that is not in the feed (`invented`).
-- After the marts, so that a row that fails it stops none of them: {{ ref("rejected_rows") }}
with

-- A line that is there twice says nothing new.
delivered as (
    select distinct
        agency_id,
        last_name,
        first_name,
        middle_initial,
        gender,
        address_line1,
        address_line2,
        postal_code,
        city,
        state,
        country,
        phone,
        income,
        number_cars,
        number_children,
        marital_status,
        age,
        credit_rating,
        own_or_rent_flag,
        employer,
        number_credit_cards,
        net_worth,
        batch_id
    from {{ source('prospect', 'prospect') }}
),

listed as (
    select
        status.*,
        coalesce(lead(status.batch_id) over (partition by status.prospect_hk order by status.batch_id), 2147483647)
            as next_batch_id
    from {{ ref('sts_prospect__prospect') }} as status
),

described as (
    select
        satellite.*,
        coalesce(
            lead(satellite.batch_id) over (partition by satellite.prospect_hk order by satellite.batch_id), 2147483647
        ) as next_batch_id
    from {{ ref('sat_prospect__prospect') }} as satellite
),

rebuilt as (
    select
        hub.prospect_id as agency_id,
        described.last_name,
        described.first_name,
        described.middle_initial,
        described.gender,
        described.address_line_1 as address_line1,
        described.address_line_2 as address_line2,
        described.postal_code,
        described.city,
        described.state_province as state,
        described.country,
        described.phone,
        described.income_amount as income,
        described.car_count as number_cars,
        described.child_count as number_children,
        described.marital_status_code as marital_status,
        described.age,
        described.credit_rating,
        described.own_or_rent_code as own_or_rent_flag,
        described.employer,
        described.credit_card_count as number_credit_cards,
        described.net_worth_amount as net_worth,
        batches.batch_id
    from {{ ref('stg_control__batches') }} as batches
    inner join listed
        on
            batches.batch_id >= listed.batch_id
            and batches.batch_id < listed.next_batch_id
            and listed.is_present
    inner join described
        on
            listed.prospect_hk = described.prospect_hk
            and batches.batch_id >= described.batch_id
            and batches.batch_id < described.next_batch_id
    inner join {{ ref('hub_prospect') }} as hub on listed.prospect_hk = hub.prospect_hk
    -- A batch whose list was not loaded says nothing about prospects.
    where batches.batch_id in (select delivered.batch_id from delivered)
)

{{ differences("delivered", "rebuilt") }}
