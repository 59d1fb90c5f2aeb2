{# A schema of its own: what stands in those of the layers does not tell how the warehouse was built. #}
{% macro finished_batches_relation() -%}
    {{ return(api.Relation.create(database=target.database, schema="operations", identifier="finished_batches", type="table")) }}
{%- endmacro %}
