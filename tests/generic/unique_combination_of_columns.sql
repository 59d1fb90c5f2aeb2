{#
    The columns together are a key: no two rows have the same values in all of them. NULLs count as equal, because an incomplete key that
    occurs twice is a duplicate too. A returned row is a value of the key that occurs more than once.

    `combination_of_columns`: list of the columns.
#}
{% test unique_combination_of_columns(model, combination_of_columns) %}

select
    {{ combination_of_columns | join(", ") }},
    count(*) as row_count
from {{ model }}
group by {{ combination_of_columns | join(", ") }}
having count(*) > 1

{% endtest %}
