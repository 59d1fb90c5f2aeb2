with

prospects as (
    select * from {{ ref('timeline_prospect__prospect') }}
),

nameplates as (
    select
        prospect_hk,
        valid_from,
        {{ dbt.listagg("nameplate", "'+'", "order by sort_order") }} as marketing_nameplate
    from {{ ref('bv_prospect__nameplates') }}
    group by prospect_hk, valid_from
),

presences as (
    select
        prospect_hk,
        is_present,
        cast(applied_at as date) as applied_on,
        row_number() over (partition by prospect_hk order by applied_at desc) as recency
    from {{ ref('sts_prospect__prospect') }}
),

batches as (
    select
        batch_date,
        lag(batch_date) over (order by batch_date) as previous_batch_date,
        max(batch_date) over () as latest_batch_date
    from {{ ref('ref_batch') }}
),

-- A prospect that left the list was in it for the last time in the batch before.
appearances as (
    select
        presences.prospect_hk,
        presences.is_present,
        case
            when presences.is_present then batches.latest_batch_date
            else batches.previous_batch_date
        end as last_listed_on
    from presences
    inner join batches on presences.applied_on = batches.batch_date
    where presences.recency = 1
),

described as (
    select
        ---------- ids
        prospects.prospect_hk,
        ---------- attributes
        prospects.last_name,
        prospects.first_name,
        prospects.middle_initial,
        prospects.gender,
        prospects.address_line_1,
        prospects.address_line_2,
        prospects.postal_code,
        prospects.city,
        prospects.state_province,
        prospects.country,
        prospects.phone,
        prospects.income_amount,
        prospects.car_count,
        prospects.child_count,
        prospects.marital_status_code,
        prospects.age,
        prospects.credit_rating,
        prospects.own_or_rent_code,
        prospects.employer,
        prospects.credit_card_count,
        prospects.net_worth_amount,
        nameplates.marketing_nameplate,
        ---------- presence
        appearances.is_present as is_listed,
        appearances.last_listed_on,
        ---------- validity
        cast(prospects.valid_from as date) as valid_from,
        cast(prospects.valid_to as date) as valid_to,
        prospects.is_current,
        ---------- load
        prospects.batch_id,
        prospects.record_source
    from prospects
    inner join appearances on prospects.prospect_hk = appearances.prospect_hk
    left join nameplates
        on
            prospects.prospect_hk = nameplates.prospect_hk
            and cast(prospects.valid_from as date) = nameplates.valid_from
)

select * from described
