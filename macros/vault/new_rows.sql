{#
    All rows of a staging view that belong to new batches, in the order of the file: no hash, no sort, no comparison.
    The common body of `satellite` (events), `nh_link` and `reference`.

    `stage`: staging view. `columns`: columns or expressions of it.
    `where`: which rows of `stage`, if not all; an SQL condition.
#}
{% macro new_rows(stage, columns, where=none) -%}
with

batches as (
    {{ dated_batches() }}
)

select
    {%- for column in columns %}
    {{ column if " as " in column else "stage." ~ column }},
    {%- endfor %}
    stage.batch_id,
    stage.record_source,
    stage.source_row,
    stage.loaded_at
from {{ stage }} as stage
inner join batches on stage.batch_id = batches.batch_id
where
    {{ is_new_batch(stage) }}
    {%- if where %}
    and {{ where }}
    {%- endif %}
{%- endmacro %}
