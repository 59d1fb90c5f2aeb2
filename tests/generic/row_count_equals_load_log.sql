{#
    A view over a whole feed has exactly as many rows of each file as the loader landed. A returned row is a file whose rows were lost,
    duplicated or not logged, with both counts.

    `system`, `feed`: names of the feed in the load log.
#}
{% test row_count_equals_load_log(model, system, feed) %}
{{ config(severity = "error") }}

with

landed as (
    select
        batch_id,
        source_file as record_source,
        sum(rows_landed) as row_count
    from {{ source("control", "load_log") }}
    where
        system = '{{ system }}'
        and feed = '{{ feed }}'
        and rows_landed > 0
        and {{ is_tested("batch_id") }}
    group by batch_id, source_file
),

viewed as (
    select
        batch_id,
        record_source,
        count(*) as row_count
    from {{ model }}
    where {{ is_tested("batch_id") }}
    group by batch_id, record_source
)

select
    batch_id,
    record_source,
    landed.row_count as rows_landed,
    viewed.row_count as rows_in_view
from landed
full outer join viewed using (batch_id, record_source)
where
    landed.row_count is null
    or viewed.row_count is null
    or landed.row_count <> viewed.row_count

{% endtest %}
