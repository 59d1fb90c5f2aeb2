{#
    The number of batches that occur, or the last one if that is not the one expected: equal to `expected` if and only if all batches up to it
    occur and no later one.

    `batch_id`: column with the batch.
    `expected`: the last batch, an expression that may be used beside aggregates; by default that of `last_batch`.
#}
{% macro batches_found(batch_id, expected=none) -%}
    {%- set expected = expected or last_batch() -%}
    case when max({{ batch_id }}) = {{ expected }} then count(distinct {{ batch_id }}) else max({{ batch_id }}) end
{%- endmacro %}
