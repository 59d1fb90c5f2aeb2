{#
    Every row is inside the version that it refers to: it begins no earlier and ends no later. A returned row begins earlier or ends later than
    its version, or refers to one that does not exist; the zero key is the unknown member, which is always valid.

    `version_key`: column of the version, with the same name in both tables.
    `versions`: the versions, with valid_from and valid_to.
#}
{% test within_version(model, version_key, versions) %}

select
    named.{{ version_key }},
    named.valid_from,
    named.valid_to,
    version.valid_from as version_valid_from,
    version.valid_to as version_valid_to
from {{ model }} as named
left join {{ versions }} as version on named.{{ version_key }} = version.{{ version_key }}
where
    named.{{ version_key }} <> {{ zero_key() }}
    and (
        version.{{ version_key }} is null
        or named.valid_from < version.valid_from
        or named.valid_to > version.valid_to
    )

{% endtest %}
