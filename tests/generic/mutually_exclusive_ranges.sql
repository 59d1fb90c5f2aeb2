{#
    The versions of a key cover time without gaps or overlaps from the first one on: each begins when the previous one ends, none is empty,
    and only the last one is open and current. A returned row is a version that violates this, with the start of the next one.

    `partition_by`: column of the key.
#}
{% test mutually_exclusive_ranges(model, partition_by) %}

with

followed as (
    select
        {{ partition_by }},
        valid_from,
        valid_to,
        is_current,
        lead(valid_from) over (partition by {{ partition_by }} order by valid_from, valid_to) as next_valid_from
    from {{ model }}
)

select *
from followed
where
    valid_from >= valid_to
    or valid_to <> coalesce(next_valid_from, cast('9999-12-31' as timestamp))
    or is_current <> (next_valid_from is null)

{% endtest %}
