{#
    Post-hook: a view of the model for roles that may not read its personal columns. It has the same name and columns, in the schema
    `<layer>_masked`, and is created in the transaction that replaces the table, so that it is never missing or outdated.
#}
{% macro masked_view() -%}
    {{ return(adapter.dispatch("masked_view")()) }}
{%- endmacro %}

{# A file has no roles. #}
{% macro default__masked_view() -%}
{%- endmacro %}

{% macro postgres__masked_view() -%}
    {%- if masked_readers(model) %}
    {%- set view = masked_schema(model) ~ "." ~ model.alias %}
    {%- set personal = personal_columns(model) %}
    drop view if exists {{ view }} cascade;
    create view {{ view }} as
    select
        {%- for column in model.columns.values() %}
        {% if column in personal -%}
        cast({{ column.meta.masked_as or "null" }} as {{ column.data_type }}) as {{ column.name }}
        {%- else -%}
        {{ column.name }}
        {%- endif -%}
        {{ "," if not loop.last }}
        {%- endfor %}
    from {{ this }};
    grant select on {{ view }} to {{ model.config.grants["select"] | join(", ") }};
    {%- endif %}
{%- endmacro %}
