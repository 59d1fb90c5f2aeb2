{#
    The number of a copy of a record: a file of records that was copied, or a record that was written again, counts once, by its first copy.

    `key`: the columns that identify a record.
#}
{% macro copy_number(key) -%}
row_number() over (partition by {{ key | join(", ") }} order by batch_id, record_source, source_row)
{%- endmacro %}
