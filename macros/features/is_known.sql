{#
    The two cut-offs of a feature, in one condition: a row counts on an as-of date if a batch that had come by then delivered it (load time), and if it is about that
    day or an earlier one (valid time). Whatever a feature reads goes through this macro, so that no feature can know the future.

    `rows`: CTE with `batch_id`. `moment`: its column that says when the row holds or happened, a day or a time. `as_of_dates`: CTE of the model of this name.
#}
{% macro is_known(rows, moment, as_of_dates="as_of_dates") -%}
    {{ rows }}.batch_id <= {{ as_of_dates }}.known_batch_id and {{ rows }}.{{ moment }} < {{ as_of_dates }}.known_until
{%- endmacro %}
