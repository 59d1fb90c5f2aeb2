{# Whether the table that a generic test belongs to declares the column `batch_id`. #}
{% macro has_batch_column() -%}
    {{ return(execute and model.attached_node in graph.nodes and "batch_id" in graph.nodes[model.attached_node].columns) }}
{%- endmacro %}
