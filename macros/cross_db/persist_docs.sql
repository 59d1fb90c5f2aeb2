{#
    Replaces dbt's own macro on DuckDB, which asks for the columns of the relation twice before it writes the descriptions. With an enforced contract,
    its columns are those of the YAML.

    `relation`: what was built.
    `model`: its node.
#}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set statements = [] -%}
    {%- if for_relation and config.persist_relation_docs() and model.description -%}
        {%- do statements.append(alter_relation_comment(relation, model.description)) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() and model.columns -%}
        {%- set columns = model.columns if config.get("contract").enforced
            else adapter.get_columns_in_relation(relation) | map(attribute="name") | list -%}
        {%- for column in model.columns.values() if column.description and column.name in columns -%}
            {%- set name = adapter.quote(column.name) if column.quote else column.name -%}
            {%- do statements.append("comment on column " ~ relation ~ "." ~ name ~ " is " ~ duckdb_escape_comment(column.description) ~ ";") -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if statements -%}
        {%- do run_query(statements | join("\n")) -%}
    {%- endif -%}
{%- endmacro %}

{# Each comment on a column would be a commit of its own: a minute for a wide table. The description of the table is in the statement that creates it. #}
{% macro spark__persist_docs(relation, model, for_relation, for_columns) -%}
{%- endmacro %}
