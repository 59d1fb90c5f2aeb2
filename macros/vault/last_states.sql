{#
    Two CTEs, `placed` and `last_states`: of several states of a key at one time the last one, with `valid_from`. The first step from
    states to versions; then `collapse_repeats`, where a repetition is no version, and `end_dated`.

    `states`: a CTE or relation with `applied_at` and the columns of `order`, which decide between states at one time.
    `grain`: `time`, or `day`, then the last state of a day holds for all of it.
#}
{% macro last_states(states, key, grain, order=["batch_id", "sequence_number", "source_row"]) -%}
{%- set moment = "cast(applied_at as date)" if grain == "day" else "applied_at" -%}
placed as (
    select
        *,
        {{ moment }} as valid_from,
        lead({{ moment }}) over (
            partition by {{ key }}
            order by applied_at, {{ order | join(", ") }}
        ) as next_valid_from
    from {{ states }}
),

last_states as (
    select * from placed
    where next_valid_from is null or next_valid_from > valid_from
)
{%- endmacro %}
