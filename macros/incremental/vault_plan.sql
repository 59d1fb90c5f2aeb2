{#
    What a table of the raw vault has to take in this run: `{"is_rebuilt": ..., "batches": {staging view: [batch, ...]}}`.
    A batch of a feed is new if it has landed, has a date, and is not recorded (see `record_build`).
    The table is rebuilt from the lake if there is no record of it or of its last rows, if a batch that it has taken was replaced since, or, for tables whose rows
    depend on the order of batches (`meta: {in_order: true}`), if a batch comes after a later one. All it has taken must still be in the lake.
#}
{% macro vault_plan() -%}
    {%- set date_feed = "control.batch_date" -%}
    {%- set taken, landed = {}, {} -%}
    {%- set vault, lake = operations_relation("vault_batches"), operations_relation("landed_batches") -%}
    {%- if record_is_there() -%}
        {%- set feeds = feeds_read(model) | join("', '") -%}
        {%- set found = run_query(
            "select feed, batch_id, digest, true from " ~ vault ~ " where table_name = '" ~ model.name ~ "'"
            ~ " union all"
            ~ " select feed, batch_id, digest, false from " ~ lake
            ~ " where invocation_id = '" ~ invocation_id ~ "' and feed in ('" ~ feeds ~ "')"
            ~ " order by 1, 2"
        ) -%}
        {%- for feed, batch_id, digest, is_taken in found.rows -%}
            {%- do (taken if is_taken else landed).update({(feed, batch_id | int): digest}) -%}
        {%- endfor -%}
    {%- endif -%}

    {%- set reasons, last_taken = [], namespace(batch=0) -%}
    {%- if load_relation(this) is none or not taken -%}
        {%- do reasons.append("there is no record of it") -%}
    {%- endif -%}
    {%- set state = state_of_table(load_relation(this)) if taken else none -%}
    {%- if state and (state, -1) not in taken and (state_before_compaction(load_relation(this)), -1) not in taken -%}
        {%- do reasons.append("it was written to without a record") -%}
    {%- endif -%}
    {%- for (feed, batch_id), digest in taken.items() if batch_id > 0 -%}
        {%- if (feed, batch_id) in landed and landed[(feed, batch_id)] != digest -%}
            {%- do reasons.append("batch " ~ batch_id ~ " of " ~ feed ~ " was replaced") -%}
        {%- endif -%}
        {%- if feed != date_feed and batch_id > last_taken.batch -%}
            {%- set last_taken.batch = batch_id -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for feed, batch_id in landed if model.config.meta.in_order and (feed, batch_id) not in taken -%}
        {%- if feed != date_feed and batch_id <= last_taken.batch and (date_feed, batch_id) in landed -%}
            {%- do reasons.append("batch " ~ batch_id ~ " of " ~ feed ~ " came late") -%}
        {%- endif -%}
    {%- endfor -%}

    {%- set lost = [] -%}
    {%- for feed, batch_id in taken if batch_id > 0 and (feed, batch_id) not in landed -%}
        {%- do lost.append("batch " ~ batch_id ~ " of " ~ feed) -%}
    {%- endfor -%}
    {%- if reasons and lost and not flags.FULL_REFRESH -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ " has to be rebuilt, because " ~ reasons[0] ~ "; but the lake no longer holds " ~ lost[0]
            ~ (" and " ~ (lost | length - 1) ~ " more" if lost | length > 1 else "")
            ~ ", which it has taken. Load that again, or accept the loss: dbt build --full-refresh"
        ) -%}
    {%- endif -%}

    {%- set batches = {} -%}
    {%- for parent_id in model.depends_on.nodes if parent_id.startswith("model.") -%}
        {%- set stage, new = graph.nodes[parent_id], [] -%}
        {%- for feed, batch_id in landed if feed in feeds_read(stage) and (date_feed, batch_id) in landed -%}
            {%- if reasons or (feed, batch_id) not in taken -%}
                {%- do new.append(batch_id) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do batches.update({stage.name: new | unique | sort}) -%}
    {%- endfor -%}
    {{ return({"is_rebuilt": reasons | length > 0, "batches": batches}) }}
{%- endmacro %}
