{#
    A post-hook of every table: SQL that records, in the transaction of its rows, what it has taken. The raw vault records batches of feeds under a
    number that rises with each load of the table; a table above records, for each of its inputs, up to which number of each vault table it has taken
    what that input holds. Nothing for views, and for tables that no other model reads.
#}
{% macro record_build() -%}
    {%- if execute and model.resource_type == "model" and not flags.EMPTY and not flags.SAMPLE -%}
        {%- if "raw_vault" in model.fqn and model.config.materialized == "incremental" -%}
            {{ record_vault_batches() }}
        {%- elif model.config.materialized == "incremental" or (model.config.materialized == "table" and not ["quality", "operations"] | select("in", model.fqn) | list) -%}
            {{ record_model_inputs() }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
