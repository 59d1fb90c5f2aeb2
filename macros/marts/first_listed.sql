{#
    The rows of a reference table without those that list a key again: of several rows with one key the first holds. The others are in
    quality.rejected_rows.

    `reference`, `keys`: as in numbered_entries.
#}
{% macro first_listed(reference, keys) %}
    select * from (
        {{- numbered_entries(reference, keys) }}
    ) as numbered
    where {% for key in keys %}{{ " and " if not loop.first }}{{ key }}_number = 1{% endfor %}
{%- endmacro %}
