{# A query for the batches that `finish_batch` noted; without rows in a warehouse that has none yet. #}
{% macro finished_batches() -%}
    {%- set relation = finished_batches_relation() -%}
    {%- if execute and load_relation(relation) is not none -%}
        select batch_id, digest from {{ relation }}
    {%- else -%}
        select cast(null as integer) as batch_id, cast(null as varchar) as digest where 1 = 0
    {%- endif -%}
{%- endmacro %}
