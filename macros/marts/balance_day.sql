{#
    The day whose balance a transaction changes: its own for a row of the historical load (no change flag), that of the batch for a row of a daily
    extract.

    `transactions`: CTE of rows of nhl_cash_transaction. `batches`: CTE of `ref_batch`, joined by batch.
#}
{% macro balance_day(transactions, batches) -%}
    case when {{ transactions }}.cdc_flag is null then cast({{ transactions }}.applied_at as date) else {{ batches }}.batch_date end
{%- endmacro %}
