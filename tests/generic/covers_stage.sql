{#
    Every key that a staging view delivers in a batch with a date is in the column. Why: a table takes each batch of a feed once, by its record; what that record
    missed would stay missing. A feed that lands after the others of its batch is taken by the next dbt build.
    A returned row is a missing key.

    `feeds`: list of {stage, column}: a staging view, and its name for the key.
#}
{% test covers_stage(model, column_name, feeds) %}

{% for feed in feeds %}
select distinct
    '{{ feed.stage.identifier }}' as stage,
    cast(stage.{{ feed.column }} as {{ dbt.type_string() }}) as missing_key
from {{ feed.stage }} as stage
where
    stage.{{ feed.column }} is not null
    and {{ has_date("stage.batch_id") }}
    and {{ is_tested("stage.batch_id") }}
    and not exists (
        select 1 from {{ model }} as vault
        where vault.{{ column_name }} = stage.{{ feed.column }}
    )
{% if not loop.last %}union all{% endif %}
{% endfor %}

{% endtest %}
