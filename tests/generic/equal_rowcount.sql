{#
    The table has as many rows as another one: on the way from there, no row was lost or duplicated. The returned row has both counts.

    `compare_model`: the other table. `compare_where`: which of its rows count; all if not given.
#}
{% test equal_rowcount(model, compare_model, compare_where="true") %}

select
    counted.row_count,
    compared.row_count as compared_row_count
from (select count(*) as row_count from {{ model }}) as counted
cross join (select count(*) as row_count from {{ compare_model }} where {{ compare_where }}) as compared
where counted.row_count <> compared.row_count

{% endtest %}
