{#
    The first row of every key that a table does not hold yet, over all feeds that name it: two CTEs, the body of `hub` and `link`.
    `feeds`: pairs of a staging view and its names for `columns`, of which the first is the key. Rows without a key are left out.

    `columns`: columns of the table, the key first.
#}
{% macro first_rows(columns, feeds) -%}
batches as (
    {{ dated_batches() }}
),

delivered as (
    {%- for stage, names in feeds %}
    select distinct
        {%- for column in columns %}
        stage.{{ names[loop.index0] }} as {{ column }},
        {%- endfor %}
        stage.batch_id,
        stage.record_source,
        stage.loaded_at
    from {{ stage }} as stage
    inner join batches on stage.batch_id = batches.batch_id
    where
        stage.{{ names[0] }} is not null
        and {{ is_new_batch(stage) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

ranked as (
    select
        delivered.*,
        row_number() over (
            partition by delivered.{{ columns[0] }}
            order by delivered.batch_id, {{ binary_collation("delivered.record_source") }}
        ) as appearance
    from delivered
    {%- if is_incremental() %}
    where not exists (
        select 1 from {{ this }} as loaded
        where loaded.{{ columns[0] }} = delivered.{{ columns[0] }}
    )
    {%- endif %}
)
{%- endmacro %}
