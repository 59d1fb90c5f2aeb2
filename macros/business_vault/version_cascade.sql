{#
    How a new version of a parent begins one of what belongs to it (an account its owner, a security its company): the periods in which a key
    has the parent, intersected with the versions of the parent. One row per key and version of the parent; a key that changes its
    parent follows the new one.

    `states`: relation with `key`, `parent_key`, `valid_from`. `parents`: relation with `parent_key`, `parent_columns`, `valid_from`,
    `valid_to`, `batch_id`.
#}
{% macro version_cascade(states, key, parents, parent_key, parent_columns) -%}
with

states as (
    select
        {{ key }},
        {{ parent_key }},
        valid_from
    from {{ states }}
),

{{ collapse_repeats("states", key, [parent_key]) }},

{{ end_dated("changed", key) }}

select
    versions.{{ key }},
    versions.{{ parent_key }},
    {%- for column in parent_columns %}
    parents.{{ column }},
    {%- endfor %}
    greatest(versions.valid_from, parents.valid_from) as valid_from,
    least(versions.valid_to, parents.valid_to) as valid_to,
    least(versions.valid_to, parents.valid_to) = {{ open_end() }} as is_current,
    parents.batch_id
from versions
inner join {{ parents }} as parents
    on
        versions.{{ parent_key }} = parents.{{ parent_key }}
        and versions.valid_from < parents.valid_to
        and parents.valid_from < versions.valid_to
{%- endmacro %}
