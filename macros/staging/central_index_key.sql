{# The CIK that a company reference of the newswire is, as a number; NULL if it is a name. A CIK has at most ten digits. #}
{% macro central_index_key(reference) -%}
    cast(
        case
            when
                length({{ reference }}) <= 10
                and translate({{ reference }}, '0123456789', '') = ''
                then {{ reference }}
        end as bigint
    )
{%- endmacro %}
