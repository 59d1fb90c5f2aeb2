{#
    SQL that records which batches a table of the raw vault has taken; see record_build. Batch 0 is the creation of the table. Batch -1 is, in the column of
    the feed, its state after a load, on engines that do not write rows and record in one transaction (see state_of_table).
#}
{% macro record_vault_batches() -%}
    {%- set vault, landed = operations_relation("vault_batches"), operations_relation("landed_batches") -%}
    {%- set feeds = feeds_read(model) | reject("equalto", "control.batch_date") | list or ["control.batch_date"] -%}
    {%- set next_number -%}
        coalesce((select max(load_number) from {{ vault }} where table_name = '{{ model.name }}'), 0) + 1
    {%- endset -%}
    {%- call in_transaction_of_the_model() %}
    {%- if not is_incremental() %}
    insert into {{ vault }} select '{{ model.name }}', '', 0, null, {{ next_number }};
    delete from {{ vault }}
    where
        table_name = '{{ model.name }}'
        and load_number < (select max(load_number) from {{ vault }} where table_name = '{{ model.name }}');
    {% endif -%}
    insert into {{ vault }}
    select '{{ model.name }}', landed.feed, landed.batch_id, landed.digest, {{ next_number }}
    from {{ landed }} as landed
    inner join {{ landed }} as dated
        on
            landed.invocation_id = dated.invocation_id
            and landed.batch_id = dated.batch_id
            and dated.feed = 'control.batch_date'
    where
        landed.invocation_id = '{{ invocation_id }}'
        and landed.feed in ('{{ feeds_read(model) | join("', '") }}')
        -- The date of a batch in which the table has nothing to take is no load.
        and exists (
            select 1 from {{ landed }} as delivered
            where
                delivered.invocation_id = landed.invocation_id
                and delivered.batch_id = landed.batch_id
                and delivered.feed in ('{{ feeds | join("', '") }}')
        )
        and not exists (
            select 1 from {{ vault }} as taken
            where
                taken.table_name = '{{ model.name }}'
                and taken.feed = landed.feed
                and taken.batch_id = landed.batch_id
        )
    {%- set state = state_of_table(this) %}
    {%- if state %}
    union all
    select '{{ model.name }}', '{{ state }}', -1, null, 0
    {%- endif %}
    {% endcall -%}
{%- endmacro %}
