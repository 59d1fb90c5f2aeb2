{# A pre-hook of every model: statements that an engine needs before it builds the model. #}
{% macro before_build() -%}
    {{ return(adapter.dispatch("before_build")()) }}
{%- endmacro %}

{% macro default__before_build() -%}
{%- endmacro %}

{#
    The lock keeps a second build out of the relation until this one has finished with it: two incremental runs at the same time would both
    find the same batch missing and both insert it. It is a lock of the session, which dbt ends with the node: a lock of the transaction
    would let the next build in before the replaced relation is dropped. It ends with the connection, so a killed build leaves none.

    No nested loops, because the planner expects one row from most filters on a window function: a hash join chosen by mistake costs a scan,
    a nested loop chosen by mistake costs hours. No merge joins, because the planner estimates a key of two columns as hardly more selective
    than one of them and expects long chains in the hash table: it would sort millions of rows on both sides, in each of its processes.
#}
{% macro postgres__before_build() -%}
    select
        pg_advisory_lock(hashtext('dbt build'), hashtext('{{ this.schema }}.{{ this.identifier }}')),
        set_config('enable_nestloop', 'off', true),
        set_config('enable_mergejoin', 'off', true)
{%- endmacro %}
