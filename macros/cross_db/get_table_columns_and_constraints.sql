{#
    Replaces dbt's own macro of this name, which declares the primary key before the rows come: an index that is made at once afterwards
    (after_build) costs less than half of one that grows row by row.
#}
{% macro postgres__get_table_columns_and_constraints() -%}
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
