{#
    What the audit counts in the versions of every dimension. The versions have the alias `versions` and the column `next_effective_date`, the
    first day of the next version of the same business key.

    `surrogate_key`, `business_key`: columns of the versions.
#}
{% macro version_counts(surrogate_key, business_key) -%}
    count(*) as row_count,
    count(distinct versions.{{ surrogate_key }}) as key_count,
    count(distinct versions.{{ business_key }}) as business_key_count,
    count(*) filter (where versions.end_date = {{ open_end() }}) as open_count,
    count(*) filter (
        where versions.end_date <> {{ open_end() }} and versions.end_date is distinct from versions.next_effective_date
    ) as unaligned_count,
    count(*) filter (where versions.next_effective_date < versions.end_date) as overlap_count,
    count(*) filter (where versions.effective_date = versions.end_date) as empty_count,
    count(*) filter (
        where versions.is_current is distinct from (versions.end_date = {{ open_end() }})
    ) as wrongly_current_count
{%- endmacro %}
