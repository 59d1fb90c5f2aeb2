with

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

tax_rates as (
    select * from {{ ref('tax_rates') }}
),

prospects as (
    select * from {{ ref('prospects') }}
),

figures as (
    select * from {{ ref('int_audit_figures') }}
),

validations as (
    select * from {{ ref('int_audit_validations') }}
    where message_source = 'DimCustomer'
),

alerts as (
    select * from {{ ref('di_messages') }}
    where message_type = 'Alert'
),

versions as (
    select
        *,
        lead(effective_date) over (partition by customer_id order by effective_date) as next_effective_date
    from dim_customer
),

counted as (
    select
        {{ version_counts("sk_customer_id", "customer_id") }},
        {{ batches_found("versions.batch_id") }} as batches_found,
        count(*) filter (where versions.status not in ('Active', 'Inactive')) as unknown_status_count,
        count(*) filter (where versions.gender not in ('M', 'F', 'U')) as unknown_gender_count,
        count(*) filter (where versions.tax_id not like '___-__-____') as malformed_tax_id_count,
        count(*) filter (where {{ is_malformed_phone("versions.phone1") }}) as malformed_phone1_count,
        count(*) filter (where {{ is_malformed_phone("versions.phone2") }}) as malformed_phone2_count,
        count(*) filter (where {{ is_malformed_phone("versions.phone3") }}) as malformed_phone3_count,
        count(*) filter (where versions.email1 not like '_%.%@%.%') as malformed_email1_count,
        count(*) filter (where versions.email2 not like '_%.%@%.%' and versions.email2 <> '') as malformed_email2_count,
        count(*) filter (where versions.is_current and versions.agency_id is not null) as prospect_count
    from versions
),

-- Names may occur twice with different rates, so both are looked up.
local_taxes as (
    select
        case
            when count(*) = count(tax_rates.tx_id) then count(distinct dim_customer.local_tax_rate_desc)
            else 0
        end as local_name_count
    from dim_customer
    left join tax_rates
        on
            dim_customer.local_tax_rate_desc = tax_rates.tx_name
            and dim_customer.local_tax_rate = tax_rates.tx_rate
),

national_taxes as (
    select
        case
            when count(*) = count(tax_rates.tx_id) then count(distinct dim_customer.national_tax_rate_desc)
            else 0
        end as national_name_count
    from dim_customer
    left join tax_rates
        on
            dim_customer.national_tax_rate_desc = tax_rates.tx_name
            and dim_customer.national_tax_rate = tax_rates.tx_rate
),

matches as (
    select count(*) as match_count
    from dim_customer
    inner join prospects
        on
            upper(dim_customer.first_name) = upper(prospects.first_name)
            and upper(dim_customer.last_name) = upper(prospects.last_name)
            and upper(dim_customer.address_line1) = upper(prospects.address_line1)
            and upper(coalesce(dim_customer.address_line2, '')) = upper(coalesce(prospects.address_line2, ''))
            and upper(dim_customer.postal_code) = upper(prospects.postal_code)
            and dim_customer.credit_rating is not distinct from prospects.credit_rating
            and dim_customer.net_worth is not distinct from prospects.net_worth
            and dim_customer.marketing_nameplate is not distinct from prospects.marketing_nameplate
    where dim_customer.is_current
),

compared as (
    select
        counted.*,
        local_taxes.local_name_count,
        national_taxes.national_name_count,
        matches.match_count,
        {{ last_batch() }} as last_batch
    from counted
    cross join local_taxes
    cross join national_taxes
    cross join matches
),

inserted as (
    {{- inserted_versions("dim_customer") }}
),

alerted as (
    select
        batch_id,
        count(*) filter (where message_text = 'DOB out of range') as age_alert_count,
        count(*) filter (where message_text = 'Invalid customer tier') as tier_alert_count
    from alerts
    group by batch_id
),

by_batch as (
    select
        inserted.*,
        figures.c_new + figures.c_updcust + figures.c_inact - figures.c_id_hist as customer_events,
        sum(figures.c_inact) over (order by figures.batch_id) as inactivations,
        validations.inactive_count,
        figures.c_dob_to + figures.c_dob_ty as impossible_ages,
        coalesce(alerted.age_alert_count, 0) as age_alert_count,
        figures.c_tier_inv as invalid_tiers,
        coalesce(alerted.tier_alert_count, 0) as tier_alert_count
    from inserted
    inner join figures on inserted.batch_id = figures.batch_id
    left join validations on inserted.batch_id = validations.batch_id
    left join alerted on inserted.batch_id = alerted.batch_id
),

checks as (
    {{- audit_checks("compared", version_checks(30) + [
        (35, "last_batch", "batches_found"),
        (36, "0", "wrongly_current_count"),
        (38, "0", "unknown_status_count"),
        (40, "0", "unknown_gender_count"),
        (43, "0", "malformed_tax_id_count"),
        (44, "0", "malformed_phone1_count"),
        (45, "0", "malformed_phone2_count"),
        (46, "0", "malformed_phone3_count"),
        (47, "0", "malformed_email1_count"),
        (48, "0", "malformed_email2_count"),
        (49, "301", "local_name_count"),
        (50, "9", "national_name_count"),
        (51, "match_count", "prospect_count"),
    ]) }}
    union all
    {{- audit_checks("by_batch", [
        (29, "customer_events", "inserted_count"),
        (37, "0", "outside_batch_count"),
        (39, "inactivations", "inactive_count"),
        (41, "impossible_ages", "age_alert_count"),
        (42, "invalid_tiers", "tier_alert_count"),
    ], batch_id="batch_id") }}
)

select * from checks
