{#
    How a new version of a parent begins one of what belongs to it (an account its owner, a security its company): the periods in which a key
    has the parent, intersected with the versions of the parent. One row per key and version of the parent; a key that changes its
    parent follows the new one. A period in which the parent has no version, because nobody knows it or not yet, is one row with the zero key, so
    a key has no gap.

    `states`: relation with `key`, `parent_key`, `valid_from`. `parents`: relation with `parent_key`, `parent_version`, `parent_columns`,
    `valid_from`, `valid_to`, `batch_id`; its versions follow each other without a gap and do not end.
#}
{% macro version_cascade(states, key, parents, parent_key, parent_version, parent_columns=[]) -%}
with

states as (
    select
        {{ key }},
        {{ parent_key }},
        valid_from
    from {{ states }}
),

{{ collapse_repeats("states", key, [parent_key]) }},

{{ end_dated("changed", key) }},

first_days as (
    select
        {{ parent_key }},
        min(valid_from) as first_day
    from {{ parents }}
    group by {{ parent_key }}
),

periods as (
    select
        versions.{{ key }},
        versions.{{ parent_key }},
        parents.{{ parent_version }},
        {%- for column in parent_columns %}
        parents.{{ column }},
        {%- endfor %}
        greatest(versions.valid_from, parents.valid_from) as valid_from,
        least(versions.valid_to, parents.valid_to) as valid_to,
        parents.batch_id
    from versions
    inner join {{ parents }} as parents
        on
            versions.{{ parent_key }} = parents.{{ parent_key }}
            and versions.valid_from < parents.valid_to
            and parents.valid_from < versions.valid_to
    union all
    select
        versions.{{ key }},
        versions.{{ parent_key }},
        {{ zero_key() }} as {{ parent_version }},
        {%- for column in parent_columns %}
        null as {{ column }},
        {%- endfor %}
        versions.valid_from,
        least(versions.valid_to, coalesce(first_days.first_day, versions.valid_to)) as valid_to,
        cast(null as integer) as batch_id
    from versions
    left join first_days on versions.{{ parent_key }} = first_days.{{ parent_key }}
    where (first_days.first_day <= versions.valid_from) is not true
)

select
    {{ key }},
    {{ parent_key }},
    {{ parent_version }},
    {%- for column in parent_columns %}
    {{ column }},
    {%- endfor %}
    valid_from,
    valid_to,
    valid_to = {{ open_end() }} as is_current,
    batch_id
from periods
{%- endmacro %}
