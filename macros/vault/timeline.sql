{#
    The versions of a satellite, for reading: from when to when a description held. Half-open (`valid_from` <= t < `valid_to`), without gaps;
    the open end is 9999-12-31. Of several rows at one time the last holds, and a row that repeats the one before is no version.
    The result does not depend on the order in which batches were loaded.

    `columns`: the description, which is compared. `order`: what decides between rows of one key at one time.

    `satellite`: a satellite, or a relation with its columns. `key`: key of the versions; on a link the driving key.
#}
{% macro timeline(satellite, key, columns, order=["batch_id", "sequence_number", "source_row"]) -%}
with

placed as (
    select
        satellite.*,
        lead(applied_at) over (partition by {{ key }} order by applied_at, {{ order | join(", ") }}) as next_applied_at
    from {{ satellite }} as satellite
),

-- Last of its time.
standing as (
    select
        placed.*,
        lag(row({{ columns | join(", ") }})) over (partition by {{ key }} order by applied_at) as previous_state
    from placed
    where next_applied_at is null or next_applied_at > applied_at
),

-- Different from the version before.
changed as (
    select
        standing.*,
        lead(applied_at) over (partition by {{ key }} order by applied_at) as next_change_at
    from standing
    where row({{ columns | join(", ") }}) is distinct from previous_state
)

select
    {{ key }},
    {%- for column in columns %}
    {{ column }},
    {%- endfor %}
    applied_at as valid_from,
    coalesce(next_change_at, cast('9999-12-31' as timestamp)) as valid_to,
    next_change_at is null as is_current,
    batch_id,
    record_source,
    loaded_at
from changed
{%- endmacro %}
