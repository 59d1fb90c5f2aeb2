{#
    The rows of a reference table without those that list a key again: of several rows with one key the first holds. The others are in
    quality.rejected_rows.

    `reference`: the reference table. `keys`: its columns, each of which is a key.
#}
{% macro first_listed(reference, keys) %}
    select * from (
        select
            *,
            {%- for key in keys %}
            row_number() over (partition by {{ key }} order by batch_id, source_row) as {{ key }}_number{{ "," if not loop.last }}
            {%- endfor %}
        from {{ reference }}
    ) as listed
    where {% for key in keys %}{{ " and " if not loop.first }}{{ key }}_number = 1{% endfor %}
{%- endmacro %}
