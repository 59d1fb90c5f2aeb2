{#
    The day on which a fact meets its versions. A row of the historical load (no change flag) has a day of its own; what a daily extract
    brings counts on the day of its batch, also when it is about the day before.

    `rows`: CTE with `cdc_flag`. `own_day`: expression of the day that a row has itself. `batches`: CTE of `ref_batch`, joined by batch.
#}
{% macro version_day(rows, own_day, batches="batches") -%}
    case when {{ rows }}.cdc_flag is null then {{ own_day }} else {{ batches }}.batch_date end
{%- endmacro %}
