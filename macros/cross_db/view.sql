{#
    Replaces dbt's own materialization of views on DuckDB, which creates a view beside the old one, renames both and drops one: five statements
    where DuckDB replaces a view in one, and a third of the time of all staging. It commits with its hooks, as a whole.
#}
{% materialization view, adapter="duckdb" -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set view = this.incorporate(type="view") -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if existing is not none and not existing.is_view %}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif %}
    {% call statement("main") -%}
        {%- if config.get("contract").enforced %}
        {{ get_assert_columns_equivalent(sql) }}
        {%- endif %}
        create or replace view {{ view }} as (
            {{ sql }}
        )
    {%- endcall %}
    {%- do persist_docs(view, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({"relations": [view]}) }}
{%- endmaterialization %}
