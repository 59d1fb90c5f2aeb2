{#
    Two CTEs, `compared` and `changed`: the rows that differ from the row before of the same key, so A, A, B, A is A, B, A. The first
    row of a key always stays, also where all of its columns are NULL.

    `states`: a CTE or relation with one row per key and `valid_from`. `columns`: what is compared.
#}
{% macro collapse_repeats(states, key, columns) -%}
compared as (
    select
        *,
        lag({{ row_value(columns) }}) over (partition by {{ key }} order by valid_from) as previous_state
    from {{ states }}
),

changed as (
    select * from compared
    where {{ row_value(columns) }} is distinct from previous_state
)
{%- endmacro %}
