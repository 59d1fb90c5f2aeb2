{#
    Two CTEs that count the rows of a fact in one scan: `counted`, and `listed`, one row per figure and batch. The figures are `row` and `joined_row`,
    all rows and those that find all their dimensions, by the batch that inserted them; and the name of each rule, the rows that violate it,
    by the batch that they name.

    `message_source`: official name of the fact.
    `judged`: CTE of its rows with batch_id, inserted_batch_id, the boolean is_joined, and one boolean for each rule, true in the rows that violate it.
    `rules`: names of these booleans.
#}
{% macro fact_figures(message_source, judged, rules) -%}
counted as (
    select
        batch_id,
        inserted_batch_id,
        count(*) as row_count,
        count(*) filter (where is_joined) as joined_row_count,
        {%- for rule in rules %}
        count(*) filter (where {{ rule }}) as {{ rule }}_count{{ "," if not loop.last }}
        {%- endfor %}
    from {{ judged }}
    group by batch_id, inserted_batch_id
),

listed as (
    {%- for figure in ["row", "joined_row"] + rules %}
    {%- set batch_id = "batch_id" if figure in rules else "inserted_batch_id" %}
    select
        '{{ message_source }}' as message_source,
        {{ batch_id }} as batch_id,
        '{{ figure }}' as figure,
        cast(sum({{ figure }}_count) as bigint) as row_count
    from counted
    group by {{ batch_id }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)
{%- endmacro %}
