{#
    The list of relationships between hubs, one row each, from all feeds that name them. When they hold is in the satellites of the
    link. A missing parent is the zero key, so no relationship is lost.

    `key`: hash key of the relationship; a row where it is NULL names none.
    `parents`: hash keys of the hubs.
    `stages`: staging views that have these columns.
#}
{% macro link(key, parents, stages) -%}
{%- set feeds = [] -%}
{%- for stage in stages %}{% do feeds.append((stage, [key] + parents)) %}{% endfor -%}
with

{{ first_rows([key] + parents, feeds) }}

select
    {{ key }},
    {%- for parent in parents %}
    {{ parent }},
    {%- endfor %}
    batch_id,
    record_source,
    loaded_at
from ranked
where appearance = 1
{%- endmacro %}
