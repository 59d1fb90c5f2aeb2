{# Whether the loader has made the tables of the sources; the load log is one of them. #}
{% macro has_landed() -%}
    {{ return(adapter.dispatch("has_landed")()) }}
{%- endmacro %}

{% macro default__has_landed() -%}
    {%- set log = load_log_source() -%}
    {{ return(load_relation(api.Relation.create(database=log.database, schema=log.schema, identifier=log.identifier)) is not none) }}
{%- endmacro %}

{# The loader writes an empty file of each table as batch 0. #}
{% macro duckdb__has_landed() -%}
    {%- set found = run_query("select count(*) from glob('" ~ load_log_source().config.meta.lake ~ "/control/load_log/batch_id=0/*.parquet')") -%}
    {{ return(found.columns[0].values()[0] > 0) }}
{%- endmacro %}

{# The table of the load log has a partition for each batch. #}
{% macro spark__has_landed() -%}
    {%- set log = load_log_source() -%}
    {%- set table = api.Relation.create(schema=log.schema, identifier=log.identifier) -%}
    {{ return(load_relation(table) is not none and run_query("show partitions " ~ table).rows | length > 0) }}
{%- endmacro %}

{# Where they are, for a message. #}
{% macro place_of_the_sources() -%}
    {{ return(adapter.dispatch("place_of_the_sources")()) }}
{%- endmacro %}

{% macro default__place_of_the_sources() -%}
    {{ return("the schema " ~ load_log_source().schema ~ " of " ~ target.dbname) }}
{%- endmacro %}

{% macro duckdb__place_of_the_sources() -%}
    {{ return("the lake " ~ (env_var("LAKE", "") or "data/lake") ~ " (LAKE)") }}
{%- endmacro %}

{% macro spark__place_of_the_sources() -%}
    {{ return(duckdb__place_of_the_sources()) }}
{%- endmacro %}

{% macro load_log_source() -%}
    {{ return(graph.sources.values() | selectattr("source_name", "equalto", "control") | selectattr("name", "equalto", "load_log") | first) }}
{%- endmacro %}
