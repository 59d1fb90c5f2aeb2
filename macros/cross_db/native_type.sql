{#
    The type of a contract in the words of the engine. Contracts are written in those of DuckDB and Postgres.

    `data_type`: the `data_type` of a column.
#}
{% macro native_type(data_type) -%}
    {{ return(adapter.dispatch("native_type")(data_type)) }}
{%- endmacro %}

{% macro default__native_type(data_type) -%}
    {{ return(data_type) }}
{%- endmacro %}

{# Texts have no length, and there are no types for times of day and 16 bytes: both are text. #}
{% macro spark__native_type(data_type) -%}
    {%- set name = data_type | lower | trim -%}
    {%- if name.endswith("[]") -%}
        {{ return("array<" ~ spark__native_type(name[:-2]) ~ ">") }}
    {%- elif name.startswith("varchar") or name in ("text", "uuid", "time") -%}
        {{ return("string") }}
    {%- elif name == "integer" -%}
        {{ return("int") }}
    {%- elif name == "double precision" -%}
        {{ return("double") }}
    {%- elif name == "timestamp" -%}
        {{ return("timestamp_ntz") }}
    {%- endif -%}
    {{ return(name) }}
{%- endmacro %}
