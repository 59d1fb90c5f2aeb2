{# A query for the batches that `mark_batch_complete` recorded; it returns no rows in a new warehouse. #}
{% macro completed_batches() -%}
    {%- set relation = operations_relation("completed_batches") -%}
    {%- if execute and load_relation(relation) is not none -%}
        select batch_id, digest from {{ relation }}
    {%- else -%}
        select cast(null as integer) as batch_id, cast(null as {{ dbt.type_string() }}) as digest where 1 = 0
    {%- endif -%}
{%- endmacro %}
