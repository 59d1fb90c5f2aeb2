{#
    A text that changes with every write to a table, for engines that cannot write rows and the record of them in one transaction; none for others. A table
    whose state is not in the record was written to by a build that was killed before it could say so.

    `table`: the table; none if it is not there.
#}
{% macro state_of_table(table) -%}
    {{ return(adapter.dispatch("state_of_table")(table)) }}
{%- endmacro %}

{% macro default__state_of_table(table) -%}
    {{ return(none) }}
{%- endmacro %}

{# The snapshot that Iceberg made of the last commit. #}
{% macro spark__state_of_table(table) -%}
    {%- if table is none -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(run_query("show tblproperties " ~ table ~ " ('current-snapshot-id')").columns[1].values()[0]) }}
{%- endmacro %}

{#
    The state of a table before the engine last wrote the same rows in other files, for engines that name a state with every write; none for others.

    `table`: the table; none if it is not there.
#}
{% macro state_before_compaction(table) -%}
    {{ return(adapter.dispatch("state_before_compaction")(table)) }}
{%- endmacro %}

{% macro default__state_before_compaction(table) -%}
    {{ return(none) }}
{%- endmacro %}

{# Iceberg keeps the kind of a commit: those that replace files change no rows. #}
{% macro spark__state_before_compaction(table) -%}
    {%- if table is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set found = run_query(
        "select cast(history.snapshot_id as string) from " ~ table ~ ".history as history"
        ~ " inner join " ~ table ~ ".snapshots as snapshots on history.snapshot_id = snapshots.snapshot_id"
        ~ " where history.is_current_ancestor and snapshots.operation <> 'replace' order by history.made_current_at desc limit 1"
    ) -%}
    {{ return((found.columns[0].values() | first) or none) }}
{%- endmacro %}
