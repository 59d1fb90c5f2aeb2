-- What: a version of an account is inside the versions of the customer and the broker that it refers
--   to, and a version of a security inside the version of its company (audit checks 26, 27 and 62).
-- Why: a query for an account on any day must find its owner as of that day; a change of the owner
--   that did not reach the account shows here.
-- The unknown member (the zero key) is always valid, although its row begins on the first day of the calendar.
-- A returned row: a version that begins before, or ends after, the one that it refers to.
-- After the marts, so that a row that fails it stops none of them: {{ ref("rejected_rows") }}
{%- set references = [
    ("dim_account", "account_id", "dim_customer", "sk_customer_id"),
    ("dim_account", "account_id", "dim_broker", "sk_broker_id"),
    ("dim_security", "symbol", "dim_company", "sk_company_id"),
] %}
with

pairs as (
    {%- for child, key, parent, surrogate_key in references %}
        select
            '{{ child }} in {{ parent }}' as reference,
            cast(child.{{ key }} as {{ dbt.type_string() }}) as business_key,
            child.effective_date,
            child.end_date,
            parent.effective_date as parent_effective_date,
            parent.end_date as parent_end_date
        from {{ ref(child) }} as child
        inner join {{ ref(parent) }} as parent on child.{{ surrogate_key }} = parent.{{ surrogate_key }}
        where child.{{ surrogate_key }} <> {{ zero_key() }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
)

select *
from pairs
where
    effective_date < parent_effective_date
    or end_date > parent_end_date
