{#
    The table has as many rows as another one: nothing was lost and nothing doubled on the way from there. The
    returned row has both counts.
#}
{% test equal_rowcount(model, compare_model) %}

select
    counted.row_count,
    compared.row_count as compared_row_count
from (select count(*) as row_count from {{ model }}) as counted
cross join (select count(*) as row_count from {{ compare_model }}) as compared
where counted.row_count <> compared.row_count

{% endtest %}
