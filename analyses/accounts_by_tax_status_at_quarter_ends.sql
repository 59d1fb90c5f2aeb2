-- How many accounts were open at the end of each quarter, by tax status?
-- One row per quarter, by its last day or the last known one, and tax status. A PIT at as-of grain: the version
-- of each account on each of the days asked for.
with

dim_date as (
    select * from {{ ref('dim_date') }}
),

states as (
    select * from {{ ref('bv_account__state') }}
),

known as (
    select
        min(valid_from) as first_day,
        max(valid_from) as last_day
    from states
),

quarter_ends as (
    select max(dim_date.date_value) as as_of_at
    from dim_date
    inner join known on dim_date.date_value >= known.first_day and dim_date.date_value <= known.last_day
    group by dim_date.calendar_qtr_id
),

accounts as (
    {{ pit(key="account_hk", timelines={"state": ref("bv_account__state")}, as_of="quarter_ends") }}
),

counted as (
    select
        accounts.as_of_at as quarter_end,
        states.tax_status_code,
        count(*) as open_account_count
    from accounts
    inner join states
        on
            accounts.account_hk = states.account_hk
            and accounts.state_valid_from = states.valid_from
    where states.status_code = 'ACTV'
    group by accounts.as_of_at, states.tax_status_code
)

select * from counted
order by quarter_end, tax_status_code
