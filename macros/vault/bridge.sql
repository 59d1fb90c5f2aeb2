{#
    The keys along a path of several things, as they held at the moment of each row of `start`: one row for each, also where a thing
    is not found. It has keys and times only, so it can be rebuilt at any time.

    `steps`: name -> {relation, key, columns}. The relation has validity (`valid_from` <= moment < `valid_to`) and the key under the same
    name as `start`, or as an earlier step if the key is written `<step>.<column>`.

    `start`: CTE whose rows the bridge has. `columns`: its columns to keep. `moment`: its column with the day or time that decides.
#}
{% macro bridge(start, columns, moment, steps) -%}
select
    {%- for column in columns %}
    {{ start }}.{{ column }},
    {%- endfor %}
    {%- for name, step in steps.items() %}
    {%- set is_last_step = loop.last %}
    {%- for column in step.columns %}
    {{ name }}.{{ column }}{{ "," if not (loop.last and is_last_step) }}
    {%- endfor %}
    {%- endfor %}
from {{ start }}
{%- for name, step in steps.items() %}
left join {{ step.relation }} as {{ name }}
    on
        {{ step.key if "." in step.key else start ~ "." ~ step.key }} = {{ name }}.{{ step.key.split(".")[-1] }}
        and {{ start }}.{{ moment }} >= {{ name }}.valid_from
        and {{ start }}.{{ moment }} < {{ name }}.valid_to
{%- endfor %}
{%- endmacro %}
