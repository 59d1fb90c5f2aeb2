{#
    SQL that records what a table above the raw vault has taken of its inputs; see record_build. An incremental model records the numbers of its plan,
    which its rows were filtered by.
#}
{% macro record_model_inputs() -%}
    {%- set inputs = operations_relation("model_inputs") -%}
    {%- call in_transaction_of_the_model() %}
    delete from {{ inputs }} where model_name = '{{ model.name }}';
    {%- if model.config.materialized == "incremental" %}
        {%- for input_name, vault_table, load_number in incremental_plan().inputs %}
    {{ "insert into " ~ inputs ~ " values" if loop.first else "," }} ('{{ model.name }}', '{{ input_name }}', '{{ vault_table }}', {{ load_number }})
        {%- endfor %}
    {%- else %}
    insert into {{ inputs }}
    select '{{ model.name }}', input_name, vault_table, load_number
    from {{ operations_relation("input_states") }}
    where input_name in ('{{ tables_read(model) | join("', '") }}')
    {%- endif %}
    {% endcall -%}
{%- endmacro %}
