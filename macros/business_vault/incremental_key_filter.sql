{#
    The filter of an incremental model: true for the keys about which a feed says something in a batch that the model does not hold
    yet; true for all keys when the model is built anew. The select around it is the same in both modes.

    `key`: column of the key, with the same name in the feed and outside. `feed`: table that brings new batches, with `batch_id`.
#}
{% macro incremental_key_filter(key, feed) -%}
    {%- if is_incremental() -%}
    {{ key }} in (
        select news.{{ key }} from {{ feed }} as news
        where news.batch_id in (select batch_id from {{ feed }} except select batch_id from {{ this }})
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
