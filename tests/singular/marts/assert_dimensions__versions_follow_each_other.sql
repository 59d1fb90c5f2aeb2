-- What: the versions of a customer, account, company or security follow each other without gap or
--   overlap: none is empty, each ends on the day the next one begins, and only the last one is
--   open and current (audit checks 17 to 20, 23 and the same checks of the other dimensions).
-- Why: facts look up the version of a day; a gap loses the row, an overlap duplicates it.
-- A returned row: a version that violates this, with the start of the next one.
{%- set dimensions = {
    "dim_customer": "customer_id",
    "dim_account": "account_id",
    "dim_company": "company_id",
    "dim_security": "symbol",
} %}
with

versions as (
    {%- for dimension, key in dimensions.items() %}
        select
            '{{ dimension }}' as dimension,
            cast({{ key }} as {{ dbt.type_string() }}) as business_key,
            effective_date,
            end_date,
            is_current,
            lead(effective_date) over (partition by {{ key }} order by effective_date, end_date) as next_effective_date
        from {{ ref(dimension) }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
)

select *
from versions
where
    effective_date >= end_date
    or end_date <> coalesce(next_effective_date, cast('9999-12-31' as date))
    or is_current <> (next_effective_date is null)
