{#
    CTEs over what the raw vault and the business vault say about prospects; the last one, `features`, has the features of each prospect on each as-of date. Prospects are those
    who are on the list with an address, and neither have nor had the name and address of a customer. What is not known on the as-of date does not count (see `is_known`).

    It reads the CTEs `as_of_dates`, `prospects`, `presences`, `versions`, `nameplates` and `matches`: models, unfiltered but for the as-of dates.
#}
{% macro prospect_features() -%}
known_presences as (
    select
        as_of_dates.as_of_date,
        presences.prospect_hk,
        presences.is_present,
        row_number() over (
            partition by as_of_dates.as_of_date, presences.prospect_hk
            order by presences.applied_at desc, presences.batch_id desc
        ) as recency
    from presences
    inner join as_of_dates on {{ is_known("presences", "applied_at") }}
),

known_versions as (
    select
        as_of_dates.as_of_date,
        versions.prospect_hk,
        cast(versions.valid_from as date) as valid_from,
        versions.address_line_1,
        versions.postal_code,
        cast(
            min(versions.valid_from) over (partition by as_of_dates.as_of_date, versions.prospect_hk) as date
        ) as listed_since,
        row_number() over (
            partition by as_of_dates.as_of_date, versions.prospect_hk
            order by versions.valid_from desc, versions.batch_id desc
        ) as recency
    from versions
    inner join as_of_dates on {{ is_known("versions", "valid_from") }}
),

-- Who has the name and address of a customer, or of one who has moved since, is no prospect any more.
known_customers as (
    select distinct
        as_of_dates.as_of_date,
        matches.prospect_hk
    from matches
    inner join as_of_dates on {{ is_known("matches", "valid_from") }}
),

tags as (
    select
        prospect_hk,
        valid_from,
        max(case when nameplate = 'HighValue' then 1 else 0 end) as high_value_tag,
        max(case when nameplate = 'Expenses' then 1 else 0 end) as expenses_tag,
        max(case when nameplate = 'Boomer' then 1 else 0 end) as boomer_tag,
        max(case when nameplate = 'MoneyAlert' then 1 else 0 end) as money_alert_tag,
        max(case when nameplate = 'Spender' then 1 else 0 end) as spender_tag,
        max(case when nameplate = 'Inherited' then 1 else 0 end) as inherited_tag
    from nameplates
    group by prospect_hk, valid_from
),

features as (
    select
        ---------- key
        prospects.prospect_id as agency_id,
        known_versions.as_of_date,
        ---------- cut-offs
        as_of_dates.known_batch_id,
        as_of_dates.complete_batch_id,
        ---------- list
        cast({{ dbt.datediff("known_versions.listed_since", "known_versions.as_of_date", "day") }} as integer) as listed_days,
        cast({{ dbt.datediff("known_versions.valid_from", "known_versions.as_of_date", "day") }} as integer) as unchanged_days,
        ---------- tags
        cast(coalesce(tags.high_value_tag, 0) as smallint) as high_value_tag,
        cast(coalesce(tags.expenses_tag, 0) as smallint) as expenses_tag,
        cast(coalesce(tags.boomer_tag, 0) as smallint) as boomer_tag,
        cast(coalesce(tags.money_alert_tag, 0) as smallint) as money_alert_tag,
        cast(coalesce(tags.spender_tag, 0) as smallint) as spender_tag,
        cast(coalesce(tags.inherited_tag, 0) as smallint) as inherited_tag
    from known_versions
    inner join known_presences
        on
            known_versions.as_of_date = known_presences.as_of_date
            and known_versions.prospect_hk = known_presences.prospect_hk
            and known_presences.recency = 1
            and known_presences.is_present
    inner join as_of_dates on known_versions.as_of_date = as_of_dates.as_of_date
    inner join prospects on known_versions.prospect_hk = prospects.prospect_hk
    left join known_customers
        on
            known_versions.as_of_date = known_customers.as_of_date
            and known_versions.prospect_hk = known_customers.prospect_hk
    left join tags
        on
            known_versions.prospect_hk = tags.prospect_hk
            and known_versions.valid_from = tags.valid_from
    where
        known_versions.recency = 1
        and known_customers.prospect_hk is null
        -- Without both, nobody can tell whether it is a customer; nor can anybody write to it. Who was erased has neither.
        and known_versions.address_line_1 is not null
        and known_versions.postal_code is not null
)
{%- endmacro %}
