{#
    The filter of an incremental model: true for the keys about which an input says something in a batch that the model does not hold
    yet; true for all keys in a full build. The select around it is the same in both modes.

    `keys`: columns, with the same names in every input and in the select around. `inputs`: relations or CTEs that bring new batches,
    with `keys` and `batch_id`. `held_batch`: column of the model that says from which batch of its input a row is.

    How it is known what the model has taken of an input is decided here and nowhere else.
#}
{% macro incremental_key_filter(keys, inputs, held_batch="batch_id") -%}
    {%- if is_incremental() -%}
    {{ "(" ~ keys | join(", ") ~ ")" if keys | length > 1 else keys[0] }} in (
        {%- for input in inputs %}
        select
            {%- for key in keys %}
            news.{{ key }}{{ "," if not loop.last }}
            {%- endfor %}
        from {{ input }} as news
        where news.batch_id in (
            select batch_id from {{ input }}
            except
            select {{ held_batch }} from {{ this }}
        )
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
