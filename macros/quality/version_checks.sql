{#
    The five checks of every dimension with versions: distinct keys, EndDate, Overlap, End of Time, consolidation. They use the columns of
    `version_counts`.

    `first`: number of the first of the five.
#}
{% macro version_checks(first) -%}
    {{ return([
        (first, "row_count", "key_count"),
        (first + 1, "0", "unaligned_count"),
        (first + 2, "0", "overlap_count"),
        (first + 3, "business_key_count", "open_count"),
        (first + 4, "0", "empty_count"),
    ]) }}
{%- endmacro %}
