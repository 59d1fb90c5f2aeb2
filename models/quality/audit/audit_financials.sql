with

financials as (
    select
        *,
        round(fi_net_earn / nullif(fi_out_basic, 0), 2) as computed_basic_eps,
        round(fi_net_earn / nullif(fi_out_dilut, 0), 2) as computed_dilut_eps,
        round(fi_net_earn / nullif(fi_revenue, 0), 2) as computed_margin
    from {{ ref('financials') }}
),

dim_company as (
    select * from {{ ref('dim_company') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

validations as (
    select * from {{ ref('int_audit_validations') }}
    where message_source = 'Financial'
),

historical as (
    select
        extract(year from figures.first_day) as first_year,
        extract(year from figures.last_day) as last_year
    from figures
    where figures.batch_id = 1
),

counted as (
    select
        count(*) filter (where dim_company.sk_company_id is null) as without_company_count,
        count(*) filter (where (financials.fi_year between historical.first_year and historical.last_year) is not true)
            as outside_years_count,
        count(*) filter (where financials.fi_qtr not in (1, 2, 3, 4)) as unknown_quarter_count,
        count(*) filter (
            where extract(year from financials.fi_qtr_start_date) <> financials.fi_year
            or extract(month from financials.fi_qtr_start_date) <> financials.fi_qtr * 3 - 2
            or extract(day from financials.fi_qtr_start_date) <> 1
        ) as wrong_start_count,
        count(*) filter (
            where abs(financials.computed_basic_eps - financials.fi_basic_eps) > 0.4
            or abs(financials.computed_dilut_eps - financials.fi_dilut_eps) > 0.4
            or abs(financials.computed_margin - financials.fi_margin) > 0.4
        ) as wrong_ratio_count
    from financials
    cross join historical
    left join dim_company on financials.sk_company_id = dim_company.sk_company_id
),

compared as (
    select
        counted.*,
        (select sum(figures.fw_fin) from figures) as financial_records,
        validations.row_count
    from counted
    left join validations on validations.batch_id = 1
),

checks as (
    {{- audit_checks("compared", [
        (103, "financial_records", "row_count"),
        (104, "0", "without_company_count"),
        (105, "0", "outside_years_count"),
        (106, "0", "unknown_quarter_count"),
        (107, "0", "wrong_start_count"),
        (108, "0", "wrong_ratio_count"),
    ]) }}
)

select * from checks
