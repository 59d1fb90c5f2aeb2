{#
    Two CTEs, `grouped` and `completed`: every event of a key with the value that was supplied last, NULL included. Without
    `ignore nulls`: a running count of the supplying events numbers the groups, and the first event of a group has its value.
    `events`: a CTE with `event_number`, the order within a key. `units`: pairs of the columns that are supplied together and
    the condition under which an event supplies them.

    `key`: column of the key.
#}
{% macro carry_forward(events, key, units) -%}
grouped as (
    select
        *,
        {%- for columns, is_supplied in units %}
        sum(case when {{ is_supplied }} then 1 else 0 end) over history as unit_{{ loop.index }}_group{{ "," if not loop.last }}
        {%- endfor %}
    from {{ events }}
    window history as (partition by {{ key }} order by event_number)
),

completed as (
    select
        {%- for columns, is_supplied in units %}
        {%- set unit = loop.index %}
        {%- for column in columns %}
        first_value({{ column }}) over unit_{{ unit }} as {{ column }},
        {%- endfor %}
        {%- endfor %}
        {{ key }},
        event_number
    from grouped
    window
        {%- for columns, is_supplied in units %}
        unit_{{ loop.index }} as (partition by {{ key }}, unit_{{ loop.index }}_group order by event_number)
        {{- "," if not loop.last }}
        {%- endfor %}
)
{%- endmacro %}
