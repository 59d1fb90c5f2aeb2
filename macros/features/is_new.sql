{#
    Whether a row that is known on an as-of date (see `is_known`) was not yet known on the one before, of those that are computed together: so it is new on exactly one of them.

    `rows`: CTE with `batch_id`. `moment`: its column that says when the row holds or happened. The CTE `as_of_steps` has the cut-offs of the as-of date before.
#}
{% macro is_new(rows, moment) -%}
    {{ rows }}.batch_id > as_of_steps.previous_batch_id or {{ rows }}.{{ moment }} >= as_of_steps.previous_until
{%- endmacro %}
