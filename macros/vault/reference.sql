{#
    A reference table: the codes as each batch delivered them. No hub and no hash: a code is its own key.

    `stage`: staging view. `key`: the code. `columns`: its meaning.
#}
{% macro reference(stage, key, columns) -%}
    {{ new_rows(stage, [key] + columns) }}
{%- endmacro %}
