{#
    The lines of a feed in which two CTEs of the same columns differ: as `differences`, for large feeds where a line is one row of `delivered`,
    by batch, file and row. That no line occurs twice in `rebuilt` must be tested on the key of that table.

    `delivered`: CTE with the rows that there should be, with `batch_id`.
    `rebuilt`: CTE with the rows that there are.
#}
{% macro differing_lines(delivered, rebuilt) -%}
    {{ return(adapter.dispatch("differing_lines")(delivered, rebuilt)) }}
{%- endmacro %}

{# Postgres compares whole rows only if the types of all columns are equal; here an integer may be compared with a bigint. #}
{% macro default__differing_lines(delivered, rebuilt) -%}
    {{ differences(delivered, rebuilt) }}
{%- endmacro %}

{# A join on three columns instead of a grouping by all: less than half the time and memory. #}
{% macro duckdb__differing_lines(delivered, rebuilt) -%}
select
    {{ delivered }} as lost,
    {{ rebuilt }} as invented
from (
    select * from {{ delivered }}
    where {{ has_date("batch_id") }} and {{ is_tested("batch_id") }}
) as {{ delivered }}
full join (
    select * from {{ rebuilt }}
    where {{ is_tested("batch_id") }}
) as {{ rebuilt }}
    on
        {{ delivered }}.batch_id = {{ rebuilt }}.batch_id
        and {{ delivered }}.source_file = {{ rebuilt }}.source_file
        and {{ delivered }}.source_row = {{ rebuilt }}.source_row
where {{ delivered }} is distinct from {{ rebuilt }}
{%- endmacro %}
