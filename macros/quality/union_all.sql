{#
    All rows of several relations.

    `relations`: relations with the same columns in the same order.
#}
{% macro union_all(relations) -%}
    {%- for relation in relations %}
    select * from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
