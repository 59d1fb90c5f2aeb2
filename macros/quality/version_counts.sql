{#
    What the audit counts in the versions of any dimension. They stand under the alias `versions`, with the column `next_effective_date`: the
    day on which the next version of the same thing begins. `key`: surrogate key, `thing`: natural key.
#}
{% macro version_counts(key, thing) -%}
    count(*) as row_count,
    count(distinct versions.{{ key }}) as key_count,
    count(distinct versions.{{ thing }}) as thing_count,
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
