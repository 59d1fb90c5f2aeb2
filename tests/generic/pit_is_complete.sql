{#
    Every row of a change-grain PIT refers, for each timeline, to the version that holds at its time, and every version of each timeline is
    referred to. A returned row is a wrong or a missing reference.

    `key`: column of the key.
    `timelines`: name -> relation, as for the macro `pit`.
#}
{% test pit_is_complete(model, key, timelines) %}

{% for name, relation in timelines.items() %}
select
    '{{ name }}' as timeline,
    pit.{{ key }},
    pit.valid_from,
    pit.{{ name }}_valid_from as named_version,
    max(version.valid_from) as version_that_holds
from {{ model }} as pit
left join {{ relation }} as version
    on pit.{{ key }} = version.{{ key }} and version.valid_from <= pit.valid_from
group by pit.{{ key }}, pit.valid_from, pit.{{ name }}_valid_from
having pit.{{ name }}_valid_from is distinct from max(version.valid_from)
union all
select
    '{{ name }}' as timeline,
    version.{{ key }},
    version.valid_from,
    null as named_version,
    version.valid_from as version_that_holds
from {{ relation }} as version
where
    not exists (
        select 1 from {{ model }} as pit
        where pit.{{ key }} = version.{{ key }} and pit.{{ name }}_valid_from = version.valid_from
    )
{% if not loop.last %}union all{% endif %}
{% endfor %}

{% endtest %}
