{#
    The number of batches that occur, or the last one if that is not the one expected: equal to `last_batch` if and only if all batches up to
    it occur and no later one. `batch_id`: column, `last_batch`: an expression that may stand beside aggregates.
#}
{% macro batches_found(batch_id, last_batch) -%}
    case when max({{ batch_id }}) = {{ last_batch }} then count(distinct {{ batch_id }}) else max({{ batch_id }}) end
{%- endmacro %}
