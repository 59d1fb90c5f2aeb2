{#
    The official name of the table and the batch of insertion of every row in a table. `vault` and `vault_key`: the table of the vault that
    knows the batch, for tables that do not say it, or name the batch of their last change.
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
