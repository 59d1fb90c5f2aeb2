{#
    The filter of an incremental model whose rows are those of a table of the raw vault: true for the rows of batches that the model has not taken
    yet; true for all rows when it is rebuilt. `in_order`: as in incremental_key_filter.
#}
{% macro new_rows_filter(input, in_order=false) -%}
    {%- set names = [input.identifier | replace("__dbt__cte__", "")] -%}
    {%- if is_incremental() and not incremental_plan(names, in_order).is_rebuilt -%}
        {%- set batches = incremental_plan(names, in_order).batches.get(names[0]) -%}
        {{ "batch_id in (" ~ batches | join(", ") ~ ")" if batches else "false" }}
    {%- else -%}
        true
    {%- endif %} {{ plan_comment(names, in_order) }}
{%- endmacro %}
