{#
    The business key of a company that is referred to by its name: the name, and after a sign of equality if the name consists of digits and
    such signs only. So it never equals the key of another name, or a CIK, which is the key of a company that is referred to by number.

    `name`: column with the name.
#}
{% macro company_name_key(name) -%}
    case when translate({{ name }}, '=0123456789', '') = '' then '=' else '' end || {{ name }}
{%- endmacro %}
