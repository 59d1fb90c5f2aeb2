{#
    Replaces dbt's own macro of this name, which declares the primary key before the rows are inserted.

    On Postgres, an index that is created at once afterwards (`after_build`) costs less than half of one that grows row by row.

    On DuckDB, there is none: it took as long as the rows, a third of the file, and must fit into memory as a whole; and nothing reads it. The contract
    still declares the key, and a test proves it.
#}
{% macro get_table_columns_and_constraints() -%}
    {{ return(columns_and_constraints_without_primary_key()) }}
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
