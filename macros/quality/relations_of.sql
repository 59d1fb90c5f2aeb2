{# The tables of the raw vault with these names. #}
{% macro relations_of(names) -%}
    {%- set relations = [] -%}
    {%- for name in names -%}
        {%- set node = graph.nodes["model." ~ project_name ~ "." ~ name] -%}
        {%- do relations.append(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -%}
    {%- endfor -%}
    {{ return(relations) }}
{%- endmacro %}
