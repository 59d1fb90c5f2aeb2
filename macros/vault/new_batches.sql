{#
    The batches that a table does not hold yet, with their dates: the body of a CTE. Asking for each batch, not for the newest
    one, lets a late batch in and a second run do nothing. A batch without a date (`stg_control__batches`) waits for it.
    Written with `not exists`: DuckDB then skips the files of all other batches, with `not in` it reads them.
#}
{% macro new_batches() -%}
    select
        batches.batch_id,
        cast(batches.batch_date as timestamp) as batch_at
    from {{ ref("stg_control__batches") }} as batches
    {%- if is_incremental() %}
    where not exists (
        select 1 from {{ this }} as loaded
        where loaded.batch_id = batches.batch_id
    )
    {%- endif %}
{%- endmacro %}
