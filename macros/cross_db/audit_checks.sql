{#
    The results of checks, one select for each. How the two numbers must compare is in the seed audit_checks. A check has one result for each
    row of `relation`: a single one, or one per batch (`batch_id`), or one per table (`subject`).

    `relation`: CTE with the numbers.
    `checks`: triples of the number of the check, what was expected and what was found; the last two are expressions over `relation`.
    `batch_id`: column with the batch, for checks of each batch.
    `subject`: column with the table, for checks of each table.
#}
{% macro audit_checks(relation, checks, batch_id="null", subject="null") -%}
    {{ return(adapter.dispatch("audit_checks")(relation, checks, batch_id, subject)) }}
{%- endmacro %}

{% macro default__audit_checks(relation, checks, batch_id, subject) %}
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

{# Spark computes a CTE again for each select that reads it, so there is one select. #}
{% macro spark__audit_checks(relation, checks, batch_id, subject) %}
    select
        check_number,
        subject,
        batch_id,
        expected,
        found
    from (
        select
            cast({{ subject }} as {{ dbt.type_string() }}) as subject,
            cast({{ batch_id }} as integer) as batch_id,
            {%- for number, expected, found in checks %}
            cast({{ expected }} as bigint) as expected_{{ number }},
            cast({{ found }} as bigint) as found_{{ number }}{{ "," if not loop.last }}
            {%- endfor %}
        from {{ relation }}
    ) as figures
    lateral view stack(
        {{ checks | length }},
        {%- for number, expected, found in checks %}
        {{ number }}, expected_{{ number }}, found_{{ number }}{{ "," if not loop.last }}
        {%- endfor %}
    ) as check_number, expected, found
{%- endmacro %}
