{# A schema of its own: what stands in those of the layers does not tell how the warehouse was built. #}
{% macro completed_batches_relation() -%}
    {{ return(api.Relation.create(database=target.database, schema="operations", identifier="completed_batches", type="table")) }}
{%- endmacro %}
