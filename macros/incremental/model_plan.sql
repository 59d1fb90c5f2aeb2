{#
    What an incremental model above the raw vault has to compute again in this run: `{"is_rebuilt": ..., "batches": {vault table: [batch, ...]},
    "inputs": [[input, vault table, load number], ...]}`.
    `key_tables`: names of the vault tables that say which keys a batch touches. Everything else that the model reads is looked up: dimensions,
    references, versions. What a later batch adds to those begins on the day of that batch, so it leaves the rows of earlier batches alone.
    The model is rebuilt if that does not hold: if there is no record of it, or of one of its inputs; if a vault table was rebuilt since; if a batch has
    reached a looked-up table that is not later than all batches of the key tables that the model holds; or, with `in_order`, if such a batch has
    reached a key table. A model without key tables is rebuilt by any batch that reaches one of its inputs.
#}
{% macro model_plan(key_tables, in_order=false) -%}
    {%- set reasons, batches, inputs = [], {}, [] -%}
    {%- if not record_is_there() -%}
        {{ return({"is_rebuilt": true, "batches": batches, "inputs": inputs}) }}
    {%- endif -%}
    {%- set found = run_query(
        "with states as (select * from " ~ operations_relation("input_states")
        ~ " where input_name in ('" ~ tables_read(model) | join("', '") ~ "')),"
        ~ " recorded as (select * from " ~ operations_relation("model_inputs") ~ " where model_name = '" ~ model.name ~ "'),"
        ~ " created as (select table_name, load_number from " ~ operations_relation("vault_batches") ~ " where batch_id = 0)"
        ~ " select coalesce(states.input_name, recorded.input_name), coalesce(states.vault_table, recorded.vault_table),"
        ~ " states.load_number, recorded.load_number, created.load_number"
        ~ " from states full join recorded"
        ~ " on states.input_name = recorded.input_name and states.vault_table = recorded.vault_table"
        ~ " left join created on states.vault_table = created.table_name order by 1, 2"
    ) -%}
    {%- set moved = {} -%}
    {%- for input_name, vault_table, load_number, recorded_number, created_number in found.rows -%}
        {%- if recorded_number is none -%}
            {%- do reasons.append("there is no record of what it has taken of " ~ input_name) -%}
        {%- elif load_number is none -%}
            {%- do reasons.append("it no longer reads " ~ input_name) -%}
        {%- elif created_number > recorded_number -%}
            {%- do reasons.append(vault_table ~ " was rebuilt") -%}
        {%- endif -%}
        {%- if load_number is not none -%}
            {%- do inputs.append([input_name, vault_table, load_number | int]) -%}
        {%- endif -%}
        {%- if not reasons and (vault_table in key_tables or load_number > recorded_number) -%}
            {%- set earlier = moved.get(vault_table, recorded_number | int) -%}
            {%- do moved.update({vault_table: [earlier, recorded_number | int] | min}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not inputs or load_relation(this) is none -%}
        {%- do reasons.append("there is no record of it") -%}
    {%- endif -%}

    {%- if moved and not reasons -%}
        {%- set loads = run_query(
            "select table_name, batch_id, max(load_number) from " ~ operations_relation("vault_batches")
            ~ " where batch_id > 0 and table_name in ('" ~ moved | join("', '") ~ "') group by table_name, batch_id order by 1, 2"
        ) -%}
        {%- set last_taken = namespace(batch=0) -%}
        {%- for vault_table, batch_id, load_number in loads.rows if vault_table in key_tables and load_number <= moved[vault_table] -%}
            {%- set last_taken.batch = [last_taken.batch, batch_id | int] | max -%}
        {%- endfor -%}
        {%- for vault_table, batch_id, load_number in loads.rows if load_number > moved[vault_table] -%}
            {%- if vault_table in key_tables -%}
                {%- do batches.setdefault(vault_table, []).append(batch_id | int) -%}
            {%- endif -%}
            {%- if not key_tables or ((in_order or vault_table not in key_tables) and batch_id <= last_taken.batch) -%}
                {%- do reasons.append("batch " ~ batch_id ~ " reached " ~ vault_table ~ " late") -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return({"is_rebuilt": reasons | length > 0, "batches": batches, "inputs": inputs}) }}
{%- endmacro %}
