{#
    The columns together are a key: no two rows share their values. NULLs count as equal, because a
    key with a hole that occurs twice is a duplicate too. A returned row is one value of the key
    that occurs more than once.
#}
{% test unique_combination(model, columns) %}

select
    {{ columns | join(", ") }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(", ") }}
having count(*) > 1

{% endtest %}
