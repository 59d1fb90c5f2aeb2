{#
    Whether tests look at the rows of a batch. Usually at those of every batch; after a build that only added batches, `scripts.build` names these in
    NEW_BATCHES, and tests whose verdict on a row depends on nothing else look at their rows only.

    `batch_id`: column with the batch.
#}
{% macro is_tested(batch_id) -%}
    {{ batch_id ~ " in (" ~ new_batches() ~ ")" if new_batches() else "true" }}
{%- endmacro %}
