{#
    Replaces dbt's own materialization on Spark, which drops a table before it builds it again, and refuses `delete+insert`. Here a table that is built again
    takes the place of the old one in one commit and keeps its history, as does the MERGE of an incremental run.
#}
{% materialization incremental, adapter="spark" -%}
    {%- set existing = load_relation(this) -%}
    {%- set relation = this.incorporate(type="table") -%}
    {%- set is_replaced = existing is none or existing.is_view or should_full_refresh() -%}

    {{ run_hooks(pre_hooks) }}
    {%- if existing is not none and existing.is_view -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- if is_replaced -%}
        {%- call statement("main") -%}
            {{ create_table_as(False, relation, compiled_code) }}
        {%- endcall -%}
    {%- else -%}
        {%- set rows = this.incorporate(path={"identifier": this.identifier ~ "__new"}).include(database=false, schema=false) -%}
        {%- call statement("new_rows") -%}
            {{ create_temporary_view(rows, compiled_code) }}
        {%- endcall -%}
        {%- do process_schema_changes(incremental_validate_on_schema_change(config.get("on_schema_change"), default="ignore"), rows, existing) -%}
        {%- call statement("main") -%}
            {{ bring_rows(rows, relation, config.get("incremental_strategy"), config.get("unique_key")) }}
        {%- endcall -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}

    {{ return({"relations": [relation]}) }}
{%- endmaterialization %}

{#
    The statement that brings new rows into a table. `delete+insert` is one MERGE: two statements would be two commits, and the new rows are a view, which
    would be evaluated again after the first of them.

    `rows`: the view. `table`: the table. `strategy`: `append` or `delete+insert`. `unique_key`: the columns whose values say which rows are replaced.
#}
{% macro bring_rows(rows, table, strategy, unique_key) -%}
    {%- set columns = adapter.get_columns_in_relation(table) | map(attribute="name") | list -%}
    {%- if strategy == "append" -%}
        insert into {{ table }} ({{ columns | join(", ") }})
        select {{ columns | join(", ") }} from {{ rows }}
    {%- elif strategy == "delete+insert" -%}
        {{ replace_rows(rows, table, columns, [unique_key] if unique_key is string else unique_key) }}
    {%- else -%}
        {%- do exceptions.raise_compiler_error(model.name ~ ": on Spark, incremental_strategy is append or delete+insert, not " ~ strategy) -%}
    {%- endif -%}
{%- endmacro %}

{#
    A MERGE that deletes the rows of a table whose keys occur among new rows, and inserts these. Each new row takes part as itself, which matches nothing,
    and the first of each key also as the key, which matches what is to be deleted.
#}
{% macro replace_rows(rows, table, columns, keys) -%}
    merge into {{ table }} as old
    using (
        select
            numbered.*,
            is_row
        from (
            select
                *,
                row_number() over (partition by {{ keys | join(", ") }} order by {{ keys | join(", ") }}) as key_row
            from {{ rows }}
        ) as numbered
        lateral view explode(case when key_row = 1 then array(false, true) else array(true) end) as is_row
    ) as new
    on
        not new.is_row
        {%- for key in keys %}
        and old.{{ key }} = new.{{ key }}
        {%- endfor %}
    when matched then delete
    when not matched and new.is_row then insert ({{ columns | join(", ") }})
    values (new.{{ columns | join(", new.") }})
{%- endmacro %}
