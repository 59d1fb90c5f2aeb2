{#
    The table has the same rows as another one, in all of its columns. The other table must have these columns, and may have more. A
    returned row is in one of the two tables only, and says in which.

    `compare_model`: the other table.
#}
{% test equality(model, compare_model) %}

{%- set columns = adapter.get_columns_in_relation(model) | map(attribute="quoted") | join(", ") -%}

with

this as (
    select {{ columns or "*" }} from {{ model }}
),

other as (
    select {{ columns or "*" }} from {{ compare_model }}
),

only_in_this as (
    select * from this
    except
    select * from other
),

only_in_other as (
    select * from other
    except
    select * from this
)

select
    'only in {{ model.identifier }}' as place,
    only_in_this.*
from only_in_this
union all
select
    'only in {{ compare_model.identifier }}' as place,
    only_in_other.*
from only_in_other

{% endtest %}
