{#
    The rows of a reference table that hold: no earlier row that holds has one of their keys. The others are in quality.rejected_rows.

    `reference`, `keys`: as in judged_entries.
#}
{% macro first_listed(reference, keys) %}
    select * from (
        {{- judged_entries(reference, keys) }}
    ) as judged
    where is_listed
{%- endmacro %}
