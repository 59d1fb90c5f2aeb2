{#
    The five checks that every dimension with versions has, under the numbers from `first` on: distinct keys, EndDate, Overlap, End of Time,
    consolidation. They use the columns of version_counts.
#}
{% macro version_checks(first) -%}
    {{ return([
        (first, "row_count", "key_count"),
        (first + 1, "0", "unaligned_count"),
        (first + 2, "0", "overlap_count"),
        (first + 3, "thing_count", "open_count"),
        (first + 4, "0", "empty_count"),
    ]) }}
{%- endmacro %}
