{#
    Replaces dbt's own materialization of tables on DuckDB, which creates a table beside the old one, looks for indexes and foreign keys, renames
    both and drops one. Here the old table is dropped in the transaction that creates the new one: until it commits, readers see the old one. So the query
    of a table cannot read the table itself.
#}
{% materialization table, adapter="duckdb" -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set table = this.incorporate(type="table") -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if existing is not none and not existing.is_table %}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif %}
    {% call statement("main") -%}
        drop table if exists {{ table }};
        {{ create_table_as(False, table, sql) }}
    {%- endcall %}
    {%- do create_indexes(table) -%}
    {%- do persist_docs(table, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({"relations": [table]}) }}
{%- endmaterialization %}
