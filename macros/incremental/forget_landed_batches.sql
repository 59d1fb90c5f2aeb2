{# SQL for the end of a run: removes its copy of what the lake held (see prepare_record). #}
{% macro forget_landed_batches() -%}
    {%- if execute and flags.WHICH in ("run", "build") -%}
    {%- call in_one_transaction() %}
    delete from {{ operations_relation("landed_batches") }} where invocation_id = '{{ invocation_id }}';
    {% endcall -%}
    {%- endif -%}
{%- endmacro %}
