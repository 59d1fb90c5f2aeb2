with

dim_company as (
    select * from {{ ref('dim_company') }}
),

industries as (
    select distinct in_name from {{ ref('industries') }}
),

sp_ratings as (
    select * from {{ ref('sp_ratings') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

validations as (
    select * from {{ ref('int_audit_validations') }}
    where message_source = 'DimCompany'
),

versions as (
    select
        *,
        lead(effective_date) over (partition by company_id order by effective_date) as next_effective_date
    from dim_company
),

counted as (
    select
        {{ version_counts("sk_company_id", "company_id") }},
        {{ batches_found("versions.batch_id", "1") }} as batches_found,
        count(*) filter (where versions.status not in ('Active', 'Inactive')) as unknown_status_count,
        count(*) filter (where industries.in_name is null) as unknown_industry_count,
        count(*) filter (where versions.sp_rating is not null and sp_ratings.sp_rating is null) as unknown_rating_count,
        count(*) filter (where versions.country not in ('Canada', 'United States of America', ''))
            as unknown_country_count
    from versions
    left join industries on versions.industry = industries.in_name
    left join sp_ratings on versions.sp_rating = sp_ratings.sp_rating
),

shared_names as (
    select name
    from dim_company
    group by name
    having count(distinct company_id) > 1
),

compared as (
    select
        *,
        (select count(*) from shared_names) as shared_name_count
    from counted
),

inserted as (
    {{- inserted_versions("dim_company") }}
),

by_batch as (
    select
        inserted.batch_id,
        inserted.outside_batch_count,
        sum(figures.fw_cmp) over (order by figures.batch_id) as company_records,
        validations.row_count
    from inserted
    inner join figures on inserted.batch_id = figures.batch_id
    left join validations on inserted.batch_id = validations.batch_id
),

checks as (
    {{- audit_checks("compared", version_checks(66) + [
        (71, "1", "batches_found"),
        (73, "0", "unknown_status_count"),
        (74, "0", "shared_name_count"),
        (75, "0", "unknown_industry_count"),
        (76, "0", "unknown_rating_count"),
        (77, "0", "unknown_country_count"),
    ]) }}
    union all
    {{- audit_checks("by_batch", [
        (65, "company_records", "row_count"),
        (72, "0", "outside_batch_count"),
    ], batch_id="batch_id") }}
)

select * from checks
