{# Names of the tables that a node of the graph reads. Views and ephemeral models are looked through; seeds and sources do not count. #}
{% macro tables_read(node) -%}
    {%- set names = [] -%}
    {%- for parent_id in node.depends_on.nodes if parent_id.startswith("model.") -%}
        {%- set parent = graph.nodes[parent_id] -%}
        {%- if parent.config.materialized in ("table", "incremental") -%}
            {%- do names.append(parent.name) -%}
        {%- else -%}
            {%- do names.extend(tables_read(parent)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(names | unique | sort) }}
{%- endmacro %}
