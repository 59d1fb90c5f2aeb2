{#
    Until which as-of date, itself not included, what has been summed up to the as-of date of a row holds: the next one on which something is new for the same key.
#}
{% macro next_as_of_date(key) -%}
    coalesce(lead(as_of_date) over (partition by {{ key | join(", ") }} order by as_of_date), cast('9999-12-31' as date)) as next_as_of_date
{%- endmacro %}
