{#
    Every key in the column is in the hub or link that it refers to. The zero key and NULL are references that the source left empty,
    so they need no parent. A returned row is a key without a parent, with the number of rows that have it.

    `parent`, `parent_key`: the hub or link, and its column of the key.
#}
{% test parent_exists(model, column_name, parent, parent_key) %}

select
    child.{{ column_name }},
    count(*) as row_count
from {{ model }} as child
where
    child.{{ column_name }} is not null
    {%- if column_name.endswith("_hk") %}
    and child.{{ column_name }} <> {{ zero_key() }}
    {%- endif %}
    and not exists (
        select 1 from {{ parent }} as parent
        where parent.{{ parent_key }} = child.{{ column_name }}
    )
group by child.{{ column_name }}

{% endtest %}
