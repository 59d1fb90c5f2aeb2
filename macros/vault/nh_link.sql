{#
    A non-historized link: events that the source only ever inserts, one row per line, on natural keys. Hashing the keys of such
    feeds would cost several times the load itself, for nothing: the hubs have the natural keys too.

    `stage`: staging view. `key`: natural keys. `columns`: the other columns.
    `where`: which rows of `stage`, if not all; an SQL condition.
#}
{% macro nh_link(stage, key, columns, where=none) -%}
    {{ new_rows(stage, key + columns, where) }}
{%- endmacro %}
