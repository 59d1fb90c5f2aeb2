{#
    The rows of a reference table, each with its number among those of the same key, for every key: `<key>_number`. The select may be continued
    with a condition.

    `reference`: the reference table. `keys`: its columns, each of which is a key.
#}
{% macro numbered_entries(reference, keys) %}
    select
        *,
        {%- for key in keys %}
        row_number() over (partition by {{ key }} order by batch_id, source_row) as {{ key }}_number{{ "," if not loop.last }}
        {%- endfor %}
    from {{ reference }}
{%- endmacro %}
