{#
    Several statements in one transaction, as SQL for a hook or for `run_query`; on an engine without transactions they are run at once, one by one, and
    nothing is left to run. Used with `call`; each statement ends with a semicolon at the end of its line.
#}
{% macro in_one_transaction() -%}
    {{ return(adapter.dispatch("statements_of_a_transaction")(caller())) }}
{%- endmacro %}

{% macro default__statements_of_a_transaction(sql) -%}
    {{ return("begin;\n" ~ sql | trim | trim(";") ~ ";\ncommit") }}
{%- endmacro %}

{% macro spark__statements_of_a_transaction(sql) -%}
    {{ return(run_one_by_one(sql)) }}
{%- endmacro %}

{#
    Several statements in the transaction in which dbt builds a model, as SQL for a hook of it; on an engine without transactions as above. Used with `call`.
#}
{% macro in_transaction_of_the_model() -%}
    {{ return(adapter.dispatch("statements_of_the_model")(caller())) }}
{%- endmacro %}

{% macro default__statements_of_the_model(sql) -%}
    {{ return(sql) }}
{%- endmacro %}

{% macro spark__statements_of_the_model(sql) -%}
    {{ return(run_one_by_one(sql)) }}
{%- endmacro %}

{% macro run_one_by_one(sql) -%}
    {%- for statement in (sql ~ "\n").split(";\n") if statement | trim -%}
        {%- do run_query(statement | trim | trim(";")) -%}
    {%- endfor -%}
    {{ return("") }}
{%- endmacro %}
