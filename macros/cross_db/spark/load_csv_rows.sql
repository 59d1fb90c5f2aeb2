{#
    Replaces dbt's own macro on Spark, which does not escape quotes in the values of a seed.

    `model`: the seed. `agate_table`: its rows.
#}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model.config.get("column_types", {}) -%}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- set values = [] -%}
        {%- for value in row -%}
            {%- do values.append("null" if value is none else "'" ~ value | string | replace("\\", "\\\\") | replace("'", "\\'") ~ "'") -%}
        {%- endfor -%}
        {%- do rows.append("(" ~ values | join(", ") ~ ")") -%}
    {%- endfor -%}
    {%- set insert %}
        insert into {{ this }}
        select
        {%- for name in agate_table.column_names %}
            cast({{ name }} as {{ native_type(types[name]) if name in types else adapter.convert_type(agate_table, loop.index0) }}){{ "," if not loop.last }}
        {%- endfor %}
        from values
            {{ rows | join(",\n            ") }}
        as seed ({{ agate_table.column_names | join(", ") }})
    {%- endset -%}
    {%- do adapter.add_query(insert, abridge_sql_log=true) -%}
    {{ return(insert) }}
{%- endmacro %}
