{# The seeds that some nodes read, themselves or through ephemeral models. #}
{% macro seeds_below(nodes) -%}
    {%- set seeds = [] -%}
    {%- for node in nodes -%}
        {%- for unique_id in node.depends_on.nodes if unique_id in graph.nodes -%}
            {%- set parent = graph.nodes[unique_id] -%}
            {%- if parent.resource_type == "seed" -%}
                {%- do seeds.append(unique_id) -%}
            {%- elif parent.config.materialized == "ephemeral" -%}
                {%- do seeds.extend(seeds_below([parent])) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(seeds | unique | list) }}
{%- endmacro %}
