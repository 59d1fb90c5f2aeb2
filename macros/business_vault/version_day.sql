{#
    The day that decides which versions a fact refers to. For a row of the historical load (no change flag) that is its own day; for a row
    of a daily extract it is the day of the batch, even if the row is about the day before. It is never later than the day of the batch: versions
    that begin after it come with later batches, and a later batch must not change what an earlier one refers to.

    `rows`: CTE with `cdc_flag`. `own_day`: expression of the day that a row has itself. `batches`: CTE of `ref_batch`, joined by batch.
#}
{% macro version_day(rows, own_day, batches="batches") -%}
    case when {{ rows }}.cdc_flag is null then least({{ own_day }}, {{ batches }}.batch_date) else {{ batches }}.batch_date end
{%- endmacro %}
