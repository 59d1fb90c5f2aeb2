{# The table of completed batches. It has a schema of its own: the schemas of the layers do not show how the warehouse was built. #}
{% macro completed_batches_relation() -%}
    {{ return(api.Relation.create(database=target.database, schema="operations", identifier="completed_batches", type="table")) }}
{%- endmacro %}
