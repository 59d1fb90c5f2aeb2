{# The four columns that the loader adds to every row, under their warehouse names; last in every staging view. #}
{% macro load_columns() -%}
    batch_id,
    source_file as record_source,
    source_row,
    loaded_at
{%- endmacro %}
