{#
    The official table name and the batch of insertion, for every row of a table. The vault knows the batch of tables that do not have it, or
    that have the batch of the last change: the first one that delivered the key.

    `message_source`: official name of the table.
    `table`: the table.
    `key`, `vault`, `vault_key`: its key, the table of the vault that knows the batch, and the same key there; none if `table` has the batch.
    `member_key`: surrogate key of a dimension that may have an unknown member, which no batch inserted and which does not count.
#}
{% macro rows_by_batch(message_source, table, key=none, vault=none, vault_key=none, member_key=none) -%}
    select
        '{{ message_source }}' as message_source,
        inserted.batch_id
    {%- if vault %}
    from {{ table }} as delivered
    inner join (
        select
            {{ vault_key }},
            min(batch_id) as batch_id
        from {{ vault }}
        group by {{ vault_key }}
    ) as inserted on delivered.{{ key }} = inserted.{{ vault_key }}
    {%- else %}
    from {{ table }} as inserted
    {%- endif %}
    {%- if member_key %}
    where inserted.{{ member_key }} <> {{ zero_key() }}
    {%- endif %}
{%- endmacro %}
