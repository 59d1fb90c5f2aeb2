{#
    The plan of the model that is being built (see vault_plan and model_plan). It is made once, when the model is compiled, and kept there in a
    comment, so that what is filtered, whether the table is replaced, and what is recorded are one decision, whatever another build does
    meanwhile. Unit tests override this macro with a plan of their own.
#}
{% macro incremental_plan(key_tables=[], in_order=false) -%}
    {%- set compiled = model.get("compiled_code") or "" -%}
    {%- if "/* plan " in compiled -%}
        {{ return(fromjson(compiled.split("/* plan ")[1].split(" */")[0])) }}
    {%- endif -%}
    {%- if "plan" not in model -%}
        {%- do model.update({"plan": vault_plan() if "raw_vault" in model.fqn else model_plan(key_tables, in_order)}) -%}
    {%- endif -%}
    {{ return(model.plan) }}
{%- endmacro %}
