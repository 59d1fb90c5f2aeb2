{#
    The steps of our materializations on DuckDB: the relation of the model that is built is replaced with its hooks and descriptions in one
    transaction. Returns what a materialization returns.

    `type`: `table` or `view`.
#}
{% macro replaced_relation(type) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set relation = this.incorporate(type=type) -%}

    {%- do run_hooks(pre_hooks, inside_transaction=False) -%}
    {%- do run_hooks(pre_hooks, inside_transaction=True) -%}
    {%- if existing is not none and existing.type != type -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- call statement("main") -%}
        {{ replace_table(relation) if type == "table" else replace_view(relation) }}
    {%- endcall -%}
    {%- if type == "table" -%}
        {%- do create_indexes(relation) -%}
    {%- endif -%}
    {%- do persist_docs(relation, model) -%}
    {%- do run_hooks(post_hooks, inside_transaction=True) -%}
    {%- do adapter.commit() -%}
    {%- do run_hooks(post_hooks, inside_transaction=False) -%}

    {{ return({"relations": [relation]}) }}
{%- endmacro %}
