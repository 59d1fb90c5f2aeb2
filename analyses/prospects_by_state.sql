-- Where do the wealthy prospects live who are not our customers yet, and how many of them are also big spenders?
-- One row per country and state.
with

nameplates as (
    select * from {{ ref('rpt_prospect_nameplates') }}
    where
        is_listed
        and not is_customer
),

prospects as (
    select
        agency_id,
        country,
        state,
        max(case when nameplate = 'HighValue' then 1 else 0 end) as is_wealthy,
        max(case when nameplate in ('Spender', 'Expenses') then 1 else 0 end) as is_spending
    from nameplates
    group by agency_id, country, state
),

states as (
    select
        country,
        state,
        count(*) as wealthy_prospect_count,
        sum(is_spending) as spending_too_count
    from prospects
    where is_wealthy = 1
    group by country, state
)

select * from states
order by wealthy_prospect_count desc, country asc, state asc
