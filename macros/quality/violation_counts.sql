{#
    Two CTEs for the audit of a fact: `violations`, one row per batch that occurs, and `counted`, one row for all of them, which also compares
    the batches that occur with those of `figures`.

    `judged`: CTE with batch_id and one boolean for each rule, true in the rows that violate it.
    `rules`: names of these booleans. The rows that violate `<rule>` are counted in `<rule>_count`.
#}
{% macro violation_counts(judged, rules) -%}
violations as (
    select
        batch_id,
        {%- for rule in rules %}
        count(*) filter (where {{ rule }}) as {{ rule }}_count{{ "," if not loop.last }}
        {%- endfor %}
    from {{ judged }}
    group by batch_id
),

counted as (
    select
        {{ batches_found("batch_id") }} as batches_found,
        {{ last_batch() }} as last_batch,
        {%- for rule in rules %}
        sum({{ rule }}_count) as {{ rule }}_count{{ "," if not loop.last }}
        {%- endfor %}
    from violations
)
{%- endmacro %}
