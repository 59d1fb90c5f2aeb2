with

market_history as (
    select * from {{ ref('fct_market_history') }}
),

dim_company as (
    select * from {{ ref('dim_company') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

-- A batch delivers the prices of the day before.
judged as (
    select
        market_history.batch_id,
        market_history.batch_id as inserted_batch_id,
        dim_date.sk_date_id is not null
        and dim_company.sk_company_id is not null
        and dim_security.sk_security_id is not null
            as is_joined,
        not {{ is_inside_version("dim_date.date_value", "dim_company") }} as outside_company,
        not {{ is_inside_version("dim_date.date_value", "dim_security") }} as outside_security,
        (
            dim_date.date_value >= figures.first_day - interval '1 day'
            and dim_date.date_value < figures.last_day
        ) is not true as outside_batch,
        (
            market_history.fifty_two_week_low <= market_history.day_low
            and market_history.day_low <= market_history.close_price
            and market_history.close_price <= market_history.day_high
            and market_history.day_high <= market_history.fifty_two_week_high
        ) is not true as disordered
    from market_history
    left join dim_company on market_history.sk_company_id = dim_company.sk_company_id
    left join dim_security on market_history.sk_security_id = dim_security.sk_security_id
    left join dim_date on market_history.sk_date_id = dim_date.sk_date_id
    left join figures on market_history.batch_id = figures.batch_id
),

{{ fact_figures(
    "FactMarketHistory", "judged", ["outside_company", "outside_security", "outside_batch", "disordered"],
) }}

select * from listed
