{#
    Point in time: for every key, which version of each timeline holds when. It has keys and times only, so it can be rebuilt at any time.
    Change grain: one row per key and moment at which any of the timelines changes, with `valid_from`, `valid_to`, `is_current`.
    As-of grain (`as_of`, a relation with the column `as_of_at`): one row per key and moment asked for, from its first version on.

    `timelines`: name -> relation with `key`, `valid_from`, `valid_to`, free of gaps (see `timeline`). Each gives a column
    `<name>_valid_from`, which with the key finds its version, and is NULL before the first.
    `key`: key that all timelines have.
#}
{% macro pit(key, timelines, as_of=none) -%}
{%- set moment = "as_of_at" if as_of else "valid_from" -%}
with

changes as (
    {%- for name, relation in timelines.items() %}
    select {{ key }}, valid_from from {{ relation }}
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
),

moments as (
    {%- if as_of %}
    select distinct changes.{{ key }}, dates.as_of_at
    from changes
    inner join {{ as_of }} as dates on changes.valid_from <= dates.as_of_at
    {%- else %}
    select
        {{ key }},
        valid_from,
        lead(valid_from) over (partition by {{ key }} order by valid_from) as next_valid_from
    from changes
    {%- endif %}
)

select
    moments.{{ key }},
    moments.{{ moment }},
    {%- if not as_of %}
    coalesce(moments.next_valid_from, cast('9999-12-31' as timestamp)) as valid_to,
    moments.next_valid_from is null as is_current,
    {%- endif %}
    {%- for name in timelines %}
    {{ name }}.valid_from as {{ name }}_valid_from{{ "," if not loop.last }}
    {%- endfor %}
from moments
{%- for name, relation in timelines.items() %}
left join {{ relation }} as {{ name }}
    on
        moments.{{ key }} = {{ name }}.{{ key }}
        and moments.{{ moment }} >= {{ name }}.valid_from
        and moments.{{ moment }} < {{ name }}.valid_to
{%- endfor %}
{%- endmacro %}
