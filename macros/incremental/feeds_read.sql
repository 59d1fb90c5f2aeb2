{# Labels (`system.feed`) of the feeds that a node of the graph reads through its staging views. #}
{% macro feeds_read(node) -%}
    {%- set labels = [] -%}
    {%- for parent_id in node.depends_on.nodes -%}
        {%- if parent_id.startswith("source.") -%}
            {%- set source_node = graph.sources[parent_id] -%}
            {%- do labels.append(source_node.source_name ~ "." ~ source_node.name) -%}
        {%- elif parent_id.startswith("model.") and graph.nodes[parent_id].config.materialized == "view" -%}
            {%- do labels.extend(feeds_read(graph.nodes[parent_id])) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(labels | unique | sort) }}
{%- endmacro %}
