{# The batches with their dates: the body of a CTE. A batch without a date waits for it: its rows are taken when the date has landed. #}
{% macro dated_batches() -%}
    select
        batch_id,
        cast(batch_date as timestamp) as batch_at
    from {{ ref("stg_control__batches") }}
{%- endmacro %}
