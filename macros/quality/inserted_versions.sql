{#
    The body of a CTE: for each batch of `figures`, how many versions of a dimension it inserted, and how many of these begin on a day that does
    not belong to the batch.

    `dimension`: CTE of the versions, with batch_id and effective_date.
#}
{% macro inserted_versions(dimension) %}
    select
        figures.batch_id,
        count({{ dimension }}.batch_id) as inserted_count,
        count(*) filter (
            where {{ dimension }}.effective_date < figures.first_day or {{ dimension }}.effective_date > figures.last_day
        ) as outside_batch_count
    from figures
    left join {{ dimension }} on figures.batch_id = {{ dimension }}.batch_id
    group by figures.batch_id
{%- endmacro %}
