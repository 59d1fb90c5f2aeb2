{# What an engine must be told before it builds a model: a pre-hook of every model. #}
{% macro before_build() -%}
    {{ return(adapter.dispatch("before_build")()) }}
{%- endmacro %}

{% macro default__before_build() -%}
{%- endmacro %}

{#
    The lock keeps a second build out of the relation until this one is done with it: two incremental runs at once would both find the
    same batch missing and both insert it. It is one of the session, which dbt ends with the node, because one of the transaction
    would let the next build in before the replaced relation is dropped. It goes with the connection, so a killed build leaves none.

    Without nested loops, because the planner expects one row of most filters on a window function: a hash join chosen in error costs
    a scan, a nested loop chosen in error costs hours. Without merge joins, because it takes a key of two columns for hardly more selective
    than one of them and fears long chains in the hash table: then it sorts millions of rows on both sides, in each of its processes.
#}
{% macro postgres__before_build() -%}
    select
        pg_advisory_lock(hashtext('dbt build'), hashtext('{{ this.schema }}.{{ this.identifier }}')),
        set_config('enable_nestloop', 'off', true),
        set_config('enable_mergejoin', 'off', true)
{%- endmacro %}
