{#
    Replaces dbt's own macro of this name, which declares the primary key before the rows are inserted.

    On Postgres, an index that is created at once afterwards (`after_build`) costs less than half of one that grows row by row.

    On DuckDB, models that grow by batches have no index: it took as long as their rows, took a quarter of the warehouse on disk, and must fit
    into memory as a whole. The contract still declares the key, and a test proves it. Models that are replaced are small.
#}
{% macro postgres__get_table_columns_and_constraints() -%}
    {{ return(columns_and_constraints_without_primary_key()) }}
{%- endmacro %}

{% macro duckdb__get_table_columns_and_constraints() -%}
    {%- if model.config.materialized == "incremental" -%}
        {{ return(columns_and_constraints_without_primary_key()) }}
    {%- endif -%}
    {{ return(table_columns_and_constraints()) }}
{%- endmacro %}

{% macro columns_and_constraints_without_primary_key() -%}
    {%- set columns = {} -%}
    {%- for name, column in model.columns.items() -%}
        {%- do columns.update({name: dict(column, constraints=without_primary_key(column.constraints))}) -%}
    {%- endfor -%}
    (
        {{ (
            adapter.render_raw_columns_constraints(raw_columns=columns)
            + adapter.render_raw_model_constraints(raw_constraints=without_primary_key(model.constraints))
        ) | join(",\n        ") }}
    )
{%- endmacro %}

{% macro without_primary_key(constraints) -%}
    {{ return(constraints | rejectattr("type", "equalto", "primary_key") | list) }}
{%- endmacro %}
