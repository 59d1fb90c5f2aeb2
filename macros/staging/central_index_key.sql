{#
    The CIK of a company reference of the newswire, as a number; NULL if the reference is a name. A CIK has ten digits, with leading zeros:
    "3" is a company of that name.

    `reference`: column with the reference as delivered.
#}
{% macro central_index_key(reference) -%}
    cast(
        case
            when
                length({{ reference }}) = 10
                and translate({{ reference }}, '0123456789', '') = ''
                then {{ reference }}
        end as bigint
    )
{%- endmacro %}
