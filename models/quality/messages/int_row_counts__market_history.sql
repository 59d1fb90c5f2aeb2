with

market_history as (
    select * from {{ ref('fct_market_history') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

dim_company as (
    select * from {{ ref('dim_company') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

counted as (
    select
        'FactMarketHistory' as message_source,
        market_history.batch_id,
        count(*) as row_count,
        count(*) filter (
            where dim_date.sk_date_id is not null
            and dim_company.sk_company_id is not null
            and dim_security.sk_security_id is not null
        ) as joined_row_count
    from market_history
    left join dim_date on market_history.sk_date_id = dim_date.sk_date_id
    left join dim_company on market_history.sk_company_id = dim_company.sk_company_id
    left join dim_security on market_history.sk_security_id = dim_security.sk_security_id
    group by market_history.batch_id
)

select * from counted
