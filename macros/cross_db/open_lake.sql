{#
    On-run-start: makes what has landed readable as tables, for an engine that reads the lake in place and has to be told where the files are.
#}
{% macro open_lake() -%}
    {{ return(adapter.dispatch("open_lake")()) }}
{%- endmacro %}

{# Sources name the files (DuckDB), or the loader has copied them (Postgres). #}
{% macro default__open_lake() -%}
{%- endmacro %}

{# An external table for each source, with a partition for each batch: created once, and again if its contract or the lake is another one. #}
{% macro spark__open_lake() -%}
    {%- if execute and flags.WHICH in ("run", "build") -%}
        {%- set lake, known = place_of_the_lake(), {} -%}
        {%- for schema in graph.sources.values() | map(attribute="schema") | unique -%}
            {%- do run_query("create schema if not exists " ~ schema) -%}
            {%- do known.update({schema: run_query("show tables in " ~ schema).columns[1].values() | list}) -%}
        {%- endfor -%}
        {%- for source in graph.sources.values() -%}
            {%- do open_source(source, lake, known[source.schema]) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# The lake as an absolute path or a URI: Spark looks for the files of a table beside the warehouse otherwise. #}
{% macro place_of_the_lake() -%}
    {%- set lake = env_var("LAKE", "") or "data/lake" -%}
    {%- if "://" in lake or lake.startswith("/") -%}
        {{ return(lake) }}
    {%- endif -%}
    {%- set folder = run_query("select java_method('java.lang.System', 'getProperty', 'user.dir')").columns[0].values()[0] -%}
    {{ return(folder ~ "/" ~ lake) }}
{%- endmacro %}

{#
    Creates the table of a source, if it is not there as its contract says, and gives it the partitions that the lake has.

    `source`: the source, as in the graph of dbt. `lake`: where the lake is. `known`: names of the tables of its schema.
#}
{% macro open_source(source, lake, known) -%}
    {%- set columns, times = [], [] -%}
    {%- for column in source.columns.values() -%}
        {#- Files have the microseconds of a time of day, for which Spark has no type. -#}
        {%- do times.append(column.name) if column.data_type == "time" -%}
        {%- do columns.append(column.name ~ " " ~ ("bigint" if column.data_type == "time" else native_type(column.data_type))) -%}
    {%- endfor -%}
    {%- for name, type in loaded_columns().items() if name not in source.columns -%}
        {%- do columns.append(name ~ " " ~ type) -%}
    {%- endfor -%}
    {%- set view = api.Relation.create(schema=source.schema, identifier=source.identifier) -%}
    {%- set table = api.Relation.create(schema=source.schema, identifier=source.identifier ~ "__files") if times else view -%}
    {%- set location = lake ~ "/" ~ source.identifier | replace("__", "/") -%}
    {%- set contract = local_md5(columns | join(", ") ~ location) -%}
    {%- set found = run_query("show tblproperties " ~ table ~ " ('contract')").columns[1].values()[0] if table.identifier in known else "" -%}
    {%- if found != contract -%}
        {%- do run_query("drop table if exists " ~ table) -%}
        {%- do run_query(
            "create table " ~ table ~ " (" ~ columns | join(", ") ~ ") using parquet partitioned by (batch_id)"
            ~ " location '" ~ location | replace("\\", "\\\\") | replace("'", "\\'") ~ "' tblproperties ('contract' = '" ~ contract ~ "')"
        ) -%}
        {%- if times -%}
            {%- do run_query("create or replace view " ~ view ~ " as " ~ with_times_as_text(table, source, times)) -%}
        {%- endif -%}
    {%- endif -%}
    {%- do run_query("msck repair table " ~ table ~ " sync partitions") -%}
{%- endmacro %}

{# The columns that the loader adds to every feed, with their types. #}
{% macro loaded_columns() -%}
    {{ return({"batch_id": "int", "source_file": "string", "source_row": "bigint", "loaded_at": "timestamp_ntz"}) }}
{%- endmacro %}

{% macro with_times_as_text(table, source, times) -%}
    select
    {%- for name in source.columns %}
        {{ "date_format(timestamp_micros(" ~ name ~ "), 'HH:mm:ss') as " ~ name if name in times else name }},
    {%- endfor %}
        {{ loaded_columns() | reject("in", source.columns) | join(", ") }}
    from {{ table }}
{%- endmacro %}
