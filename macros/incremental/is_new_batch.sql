{#
    The condition under which a row of a staging view belongs to a batch that the table of the raw vault has not taken yet. The numbers are literals, so
    that DuckDB opens the files of these batches only; the statement itself checks the record again, because it may have waited for another
    build. `stage`: the view; `batch_id`: the column to filter.
#}
{% macro is_new_batch(stage, batch_id="stage.batch_id") -%}
    {%- if is_incremental() -%}
        {%- set name = stage.identifier | replace("__dbt__cte__", "") -%}
        {%- set batches = incremental_plan().batches.get(name, []) -%}
        {%- if not batches -%}
        false
        {%- else -%}
        {{ batch_id }} in ({{ batches | join(", ") }})
            {%- if model.resource_type == "model" %}
        and {{ batch_id }} not in (
            select taken.batch_id from {{ operations_relation("vault_batches") }} as taken
            where
                taken.table_name = '{{ model.name }}'
                and taken.feed in ('{{ feeds_read(graph.nodes["model." ~ project_name ~ "." ~ name]) | join("', '") }}')
        )
            {%- endif -%}
        {%- endif -%}
    {%- else -%}
        true
    {%- endif %} {{ plan_comment() }}
{%- endmacro %}
