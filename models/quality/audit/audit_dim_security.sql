with

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_company as (
    select * from {{ ref('dim_company') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

validations as (
    select * from {{ ref('int_audit_validations') }}
    where message_source = 'DimSecurity'
),

versions as (
    select
        *,
        lead(effective_date) over (partition by symbol order by effective_date) as next_effective_date
    from dim_security
),

counted as (
    select
        {{ version_counts("sk_security_id", "symbol") }},
        {{ batches_found("versions.batch_id", "1") }} as batches_found,
        count(*) filter (where versions.status not in ('Active', 'Inactive')) as unknown_status_count,
        count(*) filter (where versions.exchange_id not in ('NYSE', 'NASDAQ', 'AMEX', 'PCX')) as unknown_exchange_count,
        count(*) filter (where versions.issue not in ('COMMON', 'PREF_A', 'PREF_B', 'PREF_C', 'PREF_D'))
            as unknown_issue_count,
        count(*) filter (
            where (
                dim_company.effective_date <= versions.effective_date
                and versions.end_date <= dim_company.end_date
            ) is not true
        ) as outside_company_count
    from versions
    left join dim_company on versions.sk_company_id = dim_company.sk_company_id
),

historical as (
    select
        figures.batch_id,
        figures.fw_sec,
        validations.row_count
    from figures
    left join validations on figures.batch_id = validations.batch_id
    where figures.batch_id = 1
),

by_batch as (
    {{- inserted_versions("dim_security") }}
),

checks as (
    {{- audit_checks("counted", version_checks(53) + [
        (58, "1", "batches_found"),
        (59, "0", "wrongly_current_count"),
        (61, "0", "unknown_status_count"),
        (62, "0", "outside_company_count"),
        (63, "0", "unknown_exchange_count"),
        (64, "0", "unknown_issue_count"),
    ]) }}
    union all
    {{- audit_checks("historical", [(52, "fw_sec", "row_count")], batch_id="batch_id") }}
    union all
    {{- audit_checks("by_batch", [(60, "0", "outside_batch_count")], batch_id="batch_id") }}
)

select * from checks
