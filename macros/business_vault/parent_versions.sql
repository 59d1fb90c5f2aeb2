{#
    Which version of its parent a key belongs to, and when: the intersection of the periods in which the key has the parent with the
    versions of the parent. One row per key and version of the parent; a key that changes its parent follows the new one.
    `states`: relation with `key`, `parent_key`, `valid_from`. `parents`: relation with `parent_key`, `parent_columns`, `valid_from`,
    `valid_to`, `batch_id`.

    `key`, `parent_key`: columns of the two keys. `parent_columns`: columns to take from the version of the parent.
#}
{% macro parent_versions(states, key, parents, parent_key, parent_columns) -%}
with

compared as (
    select
        {{ key }},
        {{ parent_key }},
        valid_from,
        lag({{ parent_key }}) over (partition by {{ key }} order by valid_from) as previous_{{ parent_key }}
    from {{ states }}
),

periods as (
    select
        {{ key }},
        {{ parent_key }},
        valid_from,
        coalesce(lead(valid_from) over (partition by {{ key }} order by valid_from), {{ open_end() }}) as valid_to
    from compared
    where {{ parent_key }} is distinct from previous_{{ parent_key }}
)

select
    periods.{{ key }},
    periods.{{ parent_key }},
    {%- for column in parent_columns %}
    parents.{{ column }},
    {%- endfor %}
    greatest(periods.valid_from, parents.valid_from) as valid_from,
    least(periods.valid_to, parents.valid_to) as valid_to,
    least(periods.valid_to, parents.valid_to) = {{ open_end() }} as is_current,
    parents.batch_id
from periods
inner join {{ parents }} as parents
    on
        periods.{{ parent_key }} = parents.{{ parent_key }}
        and periods.valid_from < parents.valid_to
        and parents.valid_from < periods.valid_to
{%- endmacro %}
