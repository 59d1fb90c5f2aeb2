{#
    SQL for the start of a run: the tables of the record, and what the lake holds now. Each run has its own copy of the latter, by its
    invocation, so a load or a second build that ends meanwhile changes nothing for this one. The last one is kept: if it turns out to be a green build of
    everything, `mark_last_build` says so, and the next build needs only what has moved since (scripts/warehouse/changes.py). Seeds and snapshots that are
    run by hand take that mark away.
    A batch of a feed has landed when its load log says so: that of the sources, or that of the scores of models. What is recorded about runs is no news. `--empty` and `--sample` read less than that: on a warehouse with
    data they would look like deletions, so they are refused.
#}
{% macro prepare_record() -%}
    {%- if execute and flags.WHICH in ("run", "build") -%}
    {%- set landed, vault, inputs, states = operations_relation("landed_batches"), operations_relation("vault_batches"),
        operations_relation("model_inputs"), operations_relation("input_states") -%}
    {%- set lake, last_build = operations_relation("lake_batches"), operations_relation("last_build") -%}
    {%- if (flags.EMPTY or flags.SAMPLE) and has_record() -%}
        {%- do exceptions.raise_compiler_error(
            "this warehouse is built; --empty and --sample would empty its tables and make the snapshot record every prospect as withdrawn."
            ~ " Use them with another warehouse: WAREHOUSE=data/empty.duckdb, or PGDATABASE on Postgres"
        ) -%}
    {%- endif -%}
    {%- call in_one_transaction() %}
    {{ lock_until_commit("prepare_record") }}
    create schema if not exists {{ landed.without_identifier().include(database=false) }};
    create table if not exists {{ landed }} (
        invocation_id {{ dbt.type_string() }} not null,
        started_at timestamp not null,
        feed {{ dbt.type_string() }} not null,
        batch_id integer not null,
        digest {{ dbt.type_string() }} not null
    );
    create table if not exists {{ vault }} (
        table_name {{ dbt.type_string() }} not null,
        feed {{ dbt.type_string() }} not null,
        batch_id integer not null,
        digest {{ dbt.type_string() }},
        load_number integer not null
    );
    create table if not exists {{ inputs }} (
        model_name {{ dbt.type_string() }} not null,
        input_name {{ dbt.type_string() }} not null,
        vault_table {{ dbt.type_string() }} not null,
        load_number integer not null
    );
    create or replace view {{ states }} as
    select
        table_name as input_name,
        table_name as vault_table,
        max(load_number) as load_number
    from {{ vault }}
    group by table_name
    union all
    -- A table has taken a load when all of its inputs have.
    select
        model_name as input_name,
        vault_table,
        min(load_number) as load_number
    from {{ inputs }}
    group by model_name, vault_table;
    -- Killed runs leave their rows.
    delete from {{ landed }} where started_at < cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) - interval '7 days';
    -- Its rows are those of one build, so it is made again: an older version of the project may have left it with other columns.
    drop table if exists {{ last_build }};
    create table {{ last_build }} (
        invocation_id {{ dbt.type_string() }} not null,
        feed {{ dbt.type_string() }} not null,
        batch_id integer not null,
        digest {{ dbt.type_string() }} not null,
        project_digest {{ dbt.type_string() }},
        relations_digest {{ dbt.type_string() }},
        accepted_tests {{ dbt.type_string() }}
    );
    {%- if has_landed() %}
    create or replace view {{ lake }} as
    select
        system || '.' || feed as feed,
        batch_id,
        cast({{ hash_text(dbt.listagg(
            "source_file || ' ' || coalesce(sha256, '') || ' ' || coalesce(cast(rows_landed as " ~ dbt.type_string() ~ "), '')",
            "','",
            "order by source_file"
        )) }} as {{ dbt.type_string() }}) as digest
    from (
        select * from {{ source("control", "load_log") }}
        union all
        select * from {{ source("learn", "load_log") }}
    ) as load_logs
    where status in ('loaded', 'missing')
    group by system, feed, batch_id;
    insert into {{ landed }}
    select
        '{{ invocation_id }}',
        cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp),
        feed,
        batch_id,
        digest
    from {{ lake }};
    insert into {{ last_build }}
    select invocation_id, feed, batch_id, digest, null, null, null from {{ landed }} where invocation_id = '{{ invocation_id }}';
    {%- endif %}
    {% endcall -%}
    {%- elif execute and flags.WHICH in ("seed", "snapshot") and has_record() -%}
    {%- call in_one_transaction() %}
    update {{ operations_relation("last_build") }} set project_digest = null;
    {% endcall -%}
    {%- endif -%}
{%- endmacro %}
