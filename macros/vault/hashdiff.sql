{#
    One hash over several columns: equal if and only if all of them are. Parts are separated by U+001F and NULL is U+001E, so
    ('a', 'bc') and ('ab', 'c') differ, and NULL differs from the empty string; the loader quarantines text that holds either.

    `columns`: SQL expressions, never floats; their order matters.
#}
{% macro hashdiff(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce(cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), chr(30))") -%}
    {%- endfor -%}
    {{ hash_text(parts | join(" || chr(31) || ")) }}
{%- endmacro %}
