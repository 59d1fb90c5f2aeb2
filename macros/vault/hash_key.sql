{#
    The hash key of a business key: the same parts, in the same order, give the same key in every feed and on every engine.
    Parts are separated by U+001F and NULL is U+001E, so ('a', 'bc') and ('ab', 'c') differ, and NULL differs from the empty
    string; the loader quarantines text that holds either character. Never hash a float: its text differs between engines.
#}
{% macro hash_key(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce(cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), chr(30))") -%}
    {%- endfor -%}
    {{ hash_text(parts | join(" || chr(31) || ")) }}
{%- endmacro %}
