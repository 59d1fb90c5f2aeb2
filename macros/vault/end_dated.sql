{#
    A CTE, `versions`: every row holds until the next one of its key begins. Half-open (`valid_from` <= t < `valid_to`), without gaps, with
    `is_current`; the open end is 9999-12-31.

    `states`: a CTE or relation with one row per key and `valid_from`, a day or a time.
#}
{% macro end_dated(states, key) -%}
versions as (
    select
        *,
        coalesce(lead(valid_from) over (partition by {{ key }} order by valid_from), {{ open_end() }}) as valid_to,
        lead(valid_from) over (partition by {{ key }} order by valid_from) is null as is_current
    from {{ states }}
)
{%- endmacro %}
