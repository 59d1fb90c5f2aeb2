with

prospect_weeks as (
    select * from {{ ref('ftr_prospect_weeks') }}
),

batches as (
    select * from {{ ref('ref_batch') }}
),

prospects as (
    select * from {{ ref('hub_prospect') }}
),

matches as (
    select * from {{ ref('bv_prospect__customer_identity') }}
),

last_day as (
    select max(batch_date) as batch_date
    from batches
),

-- Whether somebody has become a customer within seven days is known when they are over.
settled as (
    select
        prospect_weeks.agency_id,
        prospect_weeks.as_of_date,
        prospects.prospect_hk,
        cast({{ dbt.dateadd("day", 7, "prospect_weeks.as_of_date") }} as date) as last_day_on
    from prospect_weeks
    inner join prospects on prospect_weeks.agency_id = prospects.prospect_id
    cross join last_day
    where {{ dbt.dateadd("day", 7, "prospect_weeks.as_of_date") }} <= last_day.batch_date
),

labeled as (
    select
        settled.agency_id,
        settled.as_of_date,
        min(matches.valid_from) is not null as has_converted,
        cast(min(matches.valid_from) as date) as converted_on
    from settled
    left join matches
        on
            settled.prospect_hk = matches.prospect_hk
            and settled.as_of_date < matches.valid_from
            and settled.last_day_on >= matches.valid_from
    group by settled.agency_id, settled.as_of_date
)

select * from labeled
