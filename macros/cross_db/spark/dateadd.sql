{#
    Replaces dbt's own macro on Spark, which gives NULL where timestamps have no time zone: a timestamp some time after, or before, a day or a timestamp.

    `datepart`: `day`, `month`, ... `interval`: how many of them. `from_date_or_timestamp`: SQL expression.
#}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    timestampadd({{ datepart }}, {{ interval }}, cast({{ from_date_or_timestamp }} as timestamp))
{%- endmacro %}
