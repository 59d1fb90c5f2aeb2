{#
    Two CTEs for the audit of a fact: `violations`, one row per batch that occurs, and `counted`, one row for all of them, which also compares
    the batches that occur with those of the CTE `figures`.

    `message_source`: official name of the fact.
    `rules`: names of rules of `fact_figures`. The rows that violate `<rule>` are counted in `<rule>_count`.
#}
{% macro violation_counts(message_source, rules) -%}
violations as (
    select
        batch_id,
        {%- for rule in rules %}
        max(case when figure = '{{ rule }}' then row_count end) as {{ rule }}_count{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref("int_fact_figures") }}
    where
        message_source = '{{ message_source }}'
        and figure in ('{{ rules | join("', '") }}')
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
