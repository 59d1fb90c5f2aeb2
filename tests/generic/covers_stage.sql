{#
    Every key that a staging view delivers is in the column. Why: a table takes a batch once; if a feed of that batch lands after the
    table took it, its keys are missing, and this test says so. To repair: dbt build --full-refresh --select <table>+
    `feeds`: a list of {stage, column}, the name of the key in each view. A returned row is a key that is missing.
#}
{% test covers_stage(model, column_name, feeds) %}

{% for feed in feeds %}
select distinct
    '{{ feed.stage.identifier }}' as stage,
    cast(stage.{{ feed.column }} as {{ dbt.type_string() }}) as missing_key
from {{ feed.stage }} as stage
where
    stage.{{ feed.column }} is not null
    and not exists (
        select 1 from {{ model }} as vault
        where vault.{{ column_name }} = stage.{{ feed.column }}
    )
{% if not loop.last %}union all{% endif %}
{% endfor %}

{% endtest %}
