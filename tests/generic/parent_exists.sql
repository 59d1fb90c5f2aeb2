{#
    Every key in the column is in the hub or link that it refers to. The zero key and NULL are references that the source left empty,
    so they need no parent. A returned row is a key without a parent, with the number of rows that have it.

    `parent`, `parent_key`: the hub or link, and its column of the key.
#}
{% test parent_exists(model, column_name, parent, parent_key) %}

with

children as (
    select
        {{ column_name }},
        count(*) as row_count
    from {{ model }}
    where
        {{ column_name }} is not null
        {%- if column_name.endswith("_hk") %}
        and {{ column_name }} <> {{ zero_key() }}
        {%- endif %}
    group by {{ column_name }}
)

select *
from children
where
    not exists (
        select 1 from {{ parent }} as parent
        where parent.{{ parent_key }} = children.{{ column_name }}
    )

{% endtest %}
