with

sat_company as (
    select * from {{ ref('sat_company__finwire') }}
),

hub_company as (
    select * from {{ ref('hub_company') }}
),

sp_ratings as (
    select * from {{ ref('sp_ratings') }}
),

-- One message per publication, not per version.
invalid as (
    select
        hub_company.company_key,
        sat_company.sp_rating,
        sat_company.batch_id
    from sat_company
    inner join hub_company on sat_company.company_hk = hub_company.company_hk
    left join sp_ratings on sat_company.sp_rating = sp_ratings.sp_rating
    where sp_ratings.sp_rating is null
),

written as (
    select
        'invalid_rating' as message_code,
        batch_id,
        'DimCompany' as message_source,
        'CO_ID = ' || company_key || ', CO_SP_RATE = ' || coalesce(sp_rating, '') as message_data
    from invalid
)

select * from written
