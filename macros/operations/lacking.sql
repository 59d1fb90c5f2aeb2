{# Names of the nodes with these ids that the warehouse does not have, in their order. #}
{% macro lacking(unique_ids) -%}
    {%- set names = [] -%}
    {%- for unique_id in unique_ids -%}
        {%- set node = graph.nodes[unique_id] -%}
        {%- if load_relation(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) is none -%}
            {%- do names.append(node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(names | sort) }}
{%- endmacro %}
