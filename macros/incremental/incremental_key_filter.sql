{#
    The filter of an incremental model: true for the keys about which a batch says something that the model has not taken yet; true for all keys when
    the model is rebuilt. The select around it is the same in both modes.
    `keys`: the columns that identify what is computed together. `inputs`: the tables of the raw vault that say which keys a batch touches, in the
    columns `input_keys`, which have the names of `keys` unless said otherwise. What else the model reads is looked up, see model_plan.
    `in_order`: a batch moves rows of other keys than those it names, so a late one rebuilds the model.
#}
{% macro incremental_key_filter(keys, inputs, input_keys=none, in_order=false) -%}
    {%- set names = [] -%}
    {%- for input in inputs %}{% do names.append(input.identifier | replace("__dbt__cte__", "")) %}{% endfor -%}
    {%- if is_incremental() and not incremental_plan(names, in_order).is_rebuilt -%}
        {%- set batches = incremental_plan(names, in_order).batches -%}
        {%- set touched = [] -%}
        {%- for input in inputs -%}
            {%- set new = batches.get(names[loop.index0]) -%}
            {%- if new -%}
                {%- do touched.append("select " ~ (input_keys or keys) | join(", ") ~ " from " ~ input ~ " where batch_id in (" ~ new | join(", ") ~ ")") -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if touched -%}
        {{ "(" ~ keys | join(", ") ~ ")" if keys | length > 1 else keys[0] }} in (
            {{ touched | join("\n            union all\n            ") }}
        )
        {%- else -%}
        false
        {%- endif -%}
    {%- else -%}
        true
    {%- endif %} {{ plan_comment(names, in_order) }}
{%- endmacro %}
