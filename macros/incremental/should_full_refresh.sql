{#
    Replaces dbt's own macro, which considers only the flag and the config: an incremental table is also replaced when its plan says that its
    content cannot be continued. `is_incremental` and the materialization ask this macro.
#}
{% macro should_full_refresh() -%}
    {%- set configured = config.get("full_refresh") -%}
    {%- set is_demanded = flags.FULL_REFRESH if configured is none else configured -%}
    {%- if is_demanded or not execute or model.resource_type != "model" or model.config.materialized != "incremental" -%}
        {{ return(is_demanded) }}
    {%- elif "raw_vault" in model.fqn or "/* plan " in (model.get("compiled_code") or "") -%}
        {{ return(incremental_plan().is_rebuilt) }}
    {%- else -%}
        {#- While a model above is compiled, its filter asks with the tables that its keys come from. #}
        {{ return(false) }}
    {%- endif -%}
{%- endmacro %}
