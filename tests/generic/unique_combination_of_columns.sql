{#
    The columns together are a key: no two rows share their values. NULLs count as equal, because a
    key with a hole that occurs twice is a duplicate too. A returned row is one value of the key
    that occurs more than once.
#}
{% test unique_combination_of_columns(model, combination_of_columns) %}

select
    {{ combination_of_columns | join(", ") }},
    count(*) as row_count
from {{ model }}
group by {{ combination_of_columns | join(", ") }}
having count(*) > 1

{% endtest %}
