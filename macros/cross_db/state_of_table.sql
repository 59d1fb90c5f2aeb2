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
