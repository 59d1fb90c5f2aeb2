{#
    The official table name and the batch of insertion, for every row of a table. The vault knows the batch of tables that do not have it, or
    that have the batch of the last change.

    `message_source`: official name of the table.
    `table`: the table.
    `key`, `vault`, `vault_key`: its key, the table of the vault that knows the batch, and the same key there; none if `table` has the batch.
#}
{% macro rows_by_batch(message_source, table, key=none, vault=none, vault_key=none) -%}
    select
        '{{ message_source }}' as message_source,
        inserted.batch_id
    {%- if vault %}
    from {{ table }} as delivered
    inner join {{ vault }} as inserted on delivered.{{ key }} = inserted.{{ vault_key }}
    {%- else %}
    from {{ table }} as inserted
    {%- endif %}
{%- endmacro %}
