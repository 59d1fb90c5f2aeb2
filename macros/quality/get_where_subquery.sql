{#
    Replaces dbt's own macro, which gives a generic test the table, or the rows of it that the config `where` names. Tests that judge each row by itself
    look only at the rows of batches that are tested (see `is_tested`), if the table has a column of the batch.
#}
{% macro get_where_subquery(relation) -%}
    {%- set judged_row_by_row = [
        "accepted_values", "expression_is_true", "hash_key_matches", "never_null", "no_control_characters", "parent_exists", "relationships"
    ] -%}
    {%- set conditions = [config.get("where")] if config.get("where") else [] -%}
    {%- if model.test_metadata.name in judged_row_by_row and new_batches() and has_batch_column() -%}
        {%- do conditions.append(is_tested("batch_id")) -%}
    {%- endif -%}
    {{ return("(select * from " ~ relation ~ " where " ~ conditions | join(" and ") ~ ") dbt_subquery" if conditions else relation) }}
{%- endmacro %}
