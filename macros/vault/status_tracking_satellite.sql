{#
    Who is on the list: a row when a key enters a full extract and a row when it leaves, nothing in between. Each new batch is compared with
    the previous one that has a date; as in the snapshot mode of `satellite`, a late batch rebuilds the table (`meta: {in_order: true}`).

    `stage`: staging view. `key`: hash key.
#}
{% macro status_tracking_satellite(stage, key) -%}
with

batches as (
    {{ dated_batches() }}
),

extracts as (
    select
        stage.batch_id,
        min(stage.record_source) as record_source,
        min(stage.loaded_at) as loaded_at,
        lag(stage.batch_id) over (order by stage.batch_id) as previous_batch_id
    from {{ stage }} as stage
    inner join batches on stage.batch_id = batches.batch_id
    group by stage.batch_id
),

listed as (
    select stage.{{ key }}, extracts.batch_id, true as is_present
    from extracts
    inner join {{ stage }} as stage on extracts.batch_id = stage.batch_id
    union all
    select stage.{{ key }}, extracts.batch_id, false as is_present
    from extracts
    inner join {{ stage }} as stage on extracts.previous_batch_id = stage.batch_id
),

-- Listed in the batch or in the one before it, but not in both.
changed as (
    select
        listed.{{ key }},
        listed.batch_id,
        bool_or(listed.is_present) as is_present
    from listed
    where {{ is_new_batch(stage, "listed.batch_id") }}
    group by listed.{{ key }}, listed.batch_id
    having bool_or(listed.is_present) = bool_and(listed.is_present)
)

select
    changed.{{ key }},
    changed.is_present,
    batches.batch_at as applied_at,
    changed.batch_id,
    extracts.record_source,
    extracts.loaded_at
from changed
inner join batches on changed.batch_id = batches.batch_id
inner join extracts on changed.batch_id = extracts.batch_id
{%- endmacro %}
