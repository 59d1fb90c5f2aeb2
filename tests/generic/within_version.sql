{#
    Every row lies inside the version that it names: it begins no earlier and ends no later. `version_key` names the version and has
    the same name in `versions`. A returned row reaches out of its version, or names one that does not exist.
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
    version.{{ version_key }} is null
    or named.valid_from < version.valid_from
    or named.valid_to > version.valid_to

{% endtest %}
