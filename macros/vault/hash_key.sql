{#
    The hash key of a business key: the same parts, in the same order, give the same key in every feed and on every engine.
    A reference that the source left empty (one part, NULL) gets the zero key, so that its row is kept and joins stay simple.
    Never hash a float: engines write it differently.

    `columns`: the parts, as SQL expressions; their order matters.
#}
{% macro hash_key(columns) -%}
    {%- if columns | length == 1 -%}
        coalesce({{ hash_text("cast(" ~ columns[0] ~ " as " ~ dbt.type_string() ~ ")") }}, {{ zero_key() }})
    {%- else -%}
        {{ hashdiff(columns) }}
    {%- endif -%}
{%- endmacro %}
