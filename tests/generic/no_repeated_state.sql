{#
    No row has the same state as the previous row of the same key. A returned row has.

    `key`: column of the key.
    `state`: the column, or list of columns, that must differ.
    `order`: column that orders the rows of a key.
#}
{% test no_repeated_state(model, key, state, order="batch_id") %}

{%- set columns = [state] if state is string else state %}

with

compared as (
    select
        {{ key }},
        {{ order }},
        {{ row_value(columns) }} as state,
        lag({{ row_value(columns) }}) over (partition by {{ key }} order by {{ order }}) as previous_state
    from {{ model }}
)

select
    {{ key }},
    {{ order }}
from compared
where state is not distinct from previous_state

{% endtest %}
