{#
    An end-dated view that keeps repeats has one version for each time at which its satellite says something about a key, and no other.
    `satellite`: the relation, with `key` and `applied_at`. A returned row is a version that is missing (`lost`) or made up (`invented`).
#}
{% test covers_satellite(model, satellite, key) %}

with

said as (
    select distinct
        {{ key }},
        applied_at as valid_from
    from {{ satellite }}
),

versions as (
    select
        {{ key }},
        valid_from
    from {{ model }}
)

select
    said.{{ key }},
    said.valid_from,
    'lost' as difference
from said
left join versions on said.{{ key }} = versions.{{ key }} and said.valid_from = versions.valid_from
where versions.{{ key }} is null
union all
select
    versions.{{ key }},
    versions.valid_from,
    'invented' as difference
from versions
left join said on versions.{{ key }} = said.{{ key }} and versions.valid_from = said.valid_from
where said.{{ key }} is null

{% endtest %}
