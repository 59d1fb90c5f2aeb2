{#
    What one feed says about the keys of a hub or link.

    Events (no `hashdiff`): every row is something that happened, so every row is kept, repeats included; `timeline` collapses
    them when reading. Batches may come in any order.
    Snapshot (`hashdiff`): every batch is the complete list, so a row is kept only if it differs from the batch before. Batches are
    compared in order, so a late one rebuilds the table (`meta: {in_order: true}`).

    `dated_by_batch`: the feed has no time of its own, its rows hold from the date of their batch.

    `stage`: staging view. `key`: list of the hash or natural key and, on a link, its parents.
    `columns`: the description, and what orders it.
#}
{% macro satellite(stage, key, columns, hashdiff=none, dated_by_batch=false) -%}
    {%- set applied_at = "batches.batch_at as applied_at" if dated_by_batch else "applied_at" -%}
    {%- if hashdiff -%}
        {{ changed_rows(stage, key[0], hashdiff, columns + [applied_at]) }}
    {%- else -%}
        {{ new_rows(stage, key + columns + [applied_at]) }}
    {%- endif -%}
{%- endmacro %}
