{#
    The rows of a reference table, each with `is_listed`: whether it holds. In the order of their delivery, a row holds if no earlier row that
    holds has one of its keys; so a row that does not hold keeps no other one out. All batches are compared, so a condition on new ones
    belongs around this select, not into it.

    Each round decides on the rows whose keys no earlier undecided row has, and on those that share a key with them. With one key, one round
    decides on all. With two, a row that is undecided after the last round does not hold.

    `reference`: the reference table. `keys`: its columns, each of which is a key.
#}
{% macro judged_entries(reference, keys) %}
    {%- set rounds = range(1, 2 if keys | length == 1 else 4) %}
    with

    undecided_1 as (
        select * from {{ reference }}
    ),

    {% for round in rounds -%}
    numbered_{{ round }} as (
        select
            *,
            {%- for key in keys %}
            row_number() over (partition by {{ key }} order by batch_id, source_row) as {{ key }}_number{{ "," if not loop.last }}
            {%- endfor %}
        from undecided_{{ round }}
    ),

    listed_{{ round }} as (
        select * from numbered_{{ round }}
        where {% for key in keys %}{{ " and " if not loop.first }}{{ key }}_number = 1{% endfor %}
    ),

    {% if not loop.last -%}
    undecided_{{ round + 1 }} as (
        select entries.*
        from undecided_{{ round }} as entries
        where
            {%- for key in keys %}
            {{ "and " if not loop.first }}not exists (
                select 1 from listed_{{ round }} as listed
                where listed.{{ key }} = entries.{{ key }}
            )
            {%- endfor %}
    ),

    {% endif -%}
    {%- endfor -%}
    listed as (
        {%- for round in rounds %}
        select
            batch_id,
            record_source,
            source_row
        from listed_{{ round }}
        {{ "union all" if not loop.last }}
        {%- endfor %}
    )

    select
        entries.*,
        listed.source_row is not null as is_listed
    from {{ reference }} as entries
    left join listed
        on
            entries.batch_id = listed.batch_id
            and entries.record_source = listed.record_source
            and entries.source_row = listed.source_row
{%- endmacro %}
