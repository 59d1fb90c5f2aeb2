{#
    Two CTEs, `ranked` and `versions`: the states of a key at day grain. Of several states on one day the last one holds, a version
    begins on the day of its state and ends, half-open, on the day of the next one; the open end is 9999-12-31.
    `states`: a CTE or relation with `applied_at`, `batch_id`, `sequence_number`, `source_row`.

    `key`: column of the key.
#}
{% macro day_versions(states, key) -%}
ranked as (
    select
        *,
        cast(applied_at as date) as valid_from,
        row_number() over (
            partition by {{ key }}, cast(applied_at as date)
            order by applied_at desc, batch_id desc, sequence_number desc, source_row desc
        ) as recency
    from {{ states }}
),

versions as (
    select
        *,
        coalesce(
            lead(valid_from) over (partition by {{ key }} order by valid_from),
            {{ open_end() }}
        ) as valid_to
    from ranked
    where recency = 1
)
{%- endmacro %}
