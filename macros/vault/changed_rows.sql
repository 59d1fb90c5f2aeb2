{#
    The rows of new batches whose description differs from what the batch before said of the same key: the body of `satellite`
    in snapshot mode. Several new batches are compared in their order, as if they had been loaded one by one. If a list describes a key twice, the
    first description holds, and the test that rebuilds the feed from the vault names the other one.

    `stage`: staging view of a full extract. `key`: hash key. `hashdiff`: hash of the description.
    `columns`: columns or expressions of the view.
#}
{% macro changed_rows(stage, key, hashdiff, columns) -%}
with

batches as (
    {{ dated_batches() }}
),

numbered as (
    select
        stage.{{ key }},
        stage.{{ hashdiff }},
        {%- for column in columns %}
        {{ column if " as " in column else "stage." ~ column }},
        {%- endfor %}
        stage.batch_id,
        stage.record_source,
        stage.source_row,
        stage.loaded_at,
        row_number() over (partition by stage.{{ key }}, stage.batch_id order by stage.source_row) as delivery_number
    from {{ stage }} as stage
    inner join batches on stage.batch_id = batches.batch_id
    where {{ is_new_batch(stage) }}
),

delivered as (
    select * from numbered
    where delivery_number = 1
),

states as (
    select {{ key }}, {{ hashdiff }}, batch_id, source_row from delivered
    {%- if is_incremental() %}
    union all
    select loaded.{{ key }}, loaded.{{ hashdiff }}, loaded.batch_id, loaded.source_row
    from {{ this }} as loaded
    where loaded.{{ key }} in (select delivered.{{ key }} from delivered)
    {%- endif %}
),

compared as (
    select
        {{ key }},
        {{ hashdiff }},
        batch_id,
        source_row,
        lag({{ hashdiff }}) over (partition by {{ key }} order by batch_id, source_row) as previous_{{ hashdiff }}
    from states
)

select
    delivered.{{ key }},
    delivered.{{ hashdiff }},
    {%- for column in columns %}
    delivered.{{ column.split(" as ") | last }},
    {%- endfor %}
    delivered.batch_id,
    delivered.record_source,
    delivered.source_row,
    delivered.loaded_at
from delivered
inner join compared
    on
        delivered.{{ key }} = compared.{{ key }}
        and delivered.batch_id = compared.batch_id
        and delivered.source_row = compared.source_row
where compared.{{ hashdiff }} is distinct from compared.previous_{{ hashdiff }}
{%- endmacro %}
