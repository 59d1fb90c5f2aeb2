{#
    Replaces dbt's own macro on Spark: the columns of a contract, as an empty select in the types of the engine.

    `columns`: the columns of the contract.
#}
{% macro spark__get_empty_schema_sql(columns) -%}
    select
    {%- for column in columns.values() %}
        cast(null as {{ native_type(column.data_type) }}) as {{ column.name }}{{ "," if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#
    Replaces dbt's own macro on Spark, which writes a column as it is compared with the contract: Iceberg keeps small integers as integers, and a timestamp
    without time zone may come from a function that gives one with the zone of the session, UTC.

    `column`: a column of the query or of the contract.
#}
{% macro spark__format_column(column) -%}
    {%- set data_type = {"smallint": "int", "timestamp": "timestamp_ntz"}.get(column.dtype, column.dtype) -%}
    {{ return({"name": column.name, "data_type": data_type, "formatted": column.name | lower ~ " " ~ data_type}) }}
{%- endmacro %}
