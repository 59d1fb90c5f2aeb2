{#
    The tables, views and snapshots that some nodes read and a run does not build. An ephemeral model is part of its reader, so what it reads counts; so
    does what a view reads that is there already.

    `nodes`: nodes of the graph. `built`: ids of the nodes that the run builds.
#}
{% macro tables_below(nodes, built) -%}
    {%- set found = [] -%}
    {%- for node in nodes -%}
        {%- for unique_id in node.depends_on.nodes
            if unique_id in graph.nodes and (unique_id not in built or graph.nodes[unique_id].config.materialized == "ephemeral") -%}
            {%- set parent = graph.nodes[unique_id] -%}
            {%- if parent.resource_type in ("model", "snapshot") -%}
                {%- if parent.config.materialized != "ephemeral" -%}
                    {%- do found.append(unique_id) -%}
                {%- endif -%}
                {%- if parent.config.materialized in ("ephemeral", "view") -%}
                    {%- do found.extend(tables_below([parent], built)) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found | unique | list) }}
{%- endmacro %}
