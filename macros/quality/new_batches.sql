{# The numbers of the batches that tests look at, as a list for SQL; empty for all. #}
{% macro new_batches() -%}
    {{ return(env_var("NEW_BATCHES", "") if execute else "") }}
{%- endmacro %}
