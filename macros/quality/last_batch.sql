{# The last batch that the audit expects, as a scalar subquery. Needs the CTE `figures`, with one row per batch. #}
{% macro last_batch() -%}
    (select max(figures.batch_id) from figures)
{%- endmacro %}
