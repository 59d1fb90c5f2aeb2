{#
    The columns together are a key: no two rows have the same values in all of them. NULLs count as equal, because an incomplete key that
    occurs twice is a duplicate too. A returned row is a value of the key that occurs more than once. Of a table with a column of the batch,
    only the keys in batches that are tested count (see `is_tested`).

    `combination_of_columns`: list of the columns.
#}
{% test unique_combination_of_columns(model, combination_of_columns) %}

select
    {{ combination_of_columns | join(", ") }},
    count(*) as row_count
from {{ model }}
{%- if new_batches() and has_batch_column() %}
where ({{ combination_of_columns | join(", ") }}) in (
    select {{ combination_of_columns | join(", ") }} from {{ model }}
    where {{ is_tested("batch_id") }}
)
{%- endif %}
group by {{ combination_of_columns | join(", ") }}
having count(*) > 1

{% endtest %}
