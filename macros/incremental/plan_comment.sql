{# The plan as a comment in a compiled model, where incremental_plan finds it again; nothing in a unit test. #}
{% macro plan_comment(key_tables=[], in_order=false) -%}
    {%- if execute and model.resource_type == "model" -%}
        /* plan {{ tojson(incremental_plan(key_tables, in_order)) }} */
    {%- endif -%}
{%- endmacro %}
