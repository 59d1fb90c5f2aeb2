{#
    A statement that waits until no other transaction holds the lock of this name, and holds it to the end of its own. DuckDB lets one process write,
    so there is nothing to wait for.

    `name`: what is locked.
#}
{% macro lock_until_commit(name) -%}
    {{ return(adapter.dispatch("lock_until_commit")(name)) }}
{%- endmacro %}

{% macro default__lock_until_commit(name) -%}
{%- endmacro %}

{% macro postgres__lock_until_commit(name) -%}
    select pg_advisory_xact_lock(hashtext('brokerage_warehouse.{{ name }}'));
{%- endmacro %}
