{#
    Results of checks, one select for each: its number, what was expected and what was found, each an expression over `relation`. How the
    two must compare stands in the seed audit_checks. A check has one row for each row of `relation`: one in all, or with `batch_id`
    one a batch, or with `subject` one a table.
#}
{% macro audit_checks(relation, checks, batch_id="null", subject="null") -%}
    {%- for number, expected, found in checks %}
    select
        {{ number }} as check_number,
        cast({{ subject }} as varchar) as subject,
        cast({{ batch_id }} as integer) as batch_id,
        cast({{ expected }} as bigint) as expected,
        cast({{ found }} as bigint) as found
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
