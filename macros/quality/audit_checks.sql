{#
    The results of checks, one select for each. How the two numbers must compare is in the seed audit_checks. A check has one result for each
    row of `relation`: a single one, or one per batch (`batch_id`), or one per table (`subject`).

    `relation`: CTE with the numbers.
    `checks`: triples of the number of the check, what was expected and what was found; the last two are expressions over `relation`.
    `batch_id`: column with the batch, for checks of each batch.
    `subject`: column with the table, for checks of each table.
#}
{% macro audit_checks(relation, checks, batch_id="null", subject="null") -%}
    {%- for number, expected, found in checks %}
    select
        {{ number }} as check_number,
        cast({{ subject }} as {{ dbt.type_string() }}) as subject,
        cast({{ batch_id }} as integer) as batch_id,
        cast({{ expected }} as bigint) as expected,
        cast({{ found }} as bigint) as found
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
