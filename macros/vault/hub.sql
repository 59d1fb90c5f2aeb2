{#
    The list of business keys, one row each, from all feeds that name them. The key is hashed here once per distinct value, by the
    same macro as in staging; without `key` the hub has no hash. NULL is not a key.
    `feeds`: pairs of a staging view and its name for the business key; a feed may be listed twice, in two roles.

    `business_key`: name of the key in the hub.
    `key`: name of the hash key; none for a hub on the natural key.
#}
{% macro hub(business_key, feeds, key=none) -%}
{%- set named = [] -%}
{%- for stage, name in feeds %}{% do named.append((stage, [name])) %}{% endfor -%}
with

{{ first_rows([business_key], named) }}

select
    {%- if key %}
    {{ hash_key([business_key]) }} as {{ key }},
    {%- endif %}
    {{ business_key }},
    batch_id,
    record_source,
    loaded_at
from ranked
where appearance = 1
{%- endmacro %}
