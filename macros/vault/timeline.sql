{#
    The end-dated view of a satellite: from when to when a description held. Half-open (`valid_from` <= t < `valid_to`), without gaps; the
    open end is 9999-12-31. Of several rows at one time the last holds. The result does not depend on the order in which batches were
    loaded.

    `satellite`: a satellite, or a relation with its columns. `key`: key of the versions; on a link the driving key.
    `columns`: the description. `keep_repeats`: a row that repeats the previous one is a version too, for readers to whom it matters that
    something was said again. `order`: decides between rows of one key at one time.
#}
{% macro timeline(satellite, key, columns, keep_repeats=false, order=["batch_id", "sequence_number", "source_row"]) -%}
with

{{ last_states(satellite, key, grain="time", order=order) }},

{% if not keep_repeats -%}
{{ collapse_repeats("last_states", key, columns) }},

{% endif -%}
{{ end_dated("last_states" if keep_repeats else "changed", key) }}

select
    {{ key }},
    {%- for column in columns %}
    {{ column }},
    {%- endfor %}
    valid_from,
    valid_to,
    is_current,
    {%- for column in order if column not in ("batch_id", "source_row") %}
    {{ column }},
    {%- endfor %}
    batch_id,
    record_source,
    source_row,
    loaded_at
from versions
{%- endmacro %}
