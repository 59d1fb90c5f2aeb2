with

started as (
    select * from {{ ref('stg_operations__runs_started') }}
),

ended as (
    select * from {{ ref('stg_operations__runs_ended') }}
),

-- A file of records that was copied counts once.
started_once as (
    select
        *,
        {{ copy_number(["run_id"]) }} as copy_number
    from started
),

-- A run that a signal stops while it writes its end may have two.
ended_once as (
    select
        *,
        row_number() over (partition by run_id order by ended_at, batch_id, record_source, source_row) as copy_number
    from ended
),

joined as (
    select
        started_once.run_id,
        started_once.run_kind,
        started_once.parent_run_id,
        started_once.run_batch_id,
        started_once.target,
        started_once.warehouse,
        started_once.host,
        started_once.process_id,
        started_once.user_name,
        started_once.arguments,
        started_once.project_version,
        started_once.started_at,
        ended_once.ended_at,
        ended_once.status,
        ended_once.message,
        ended_once.seconds,
        ended_once.cpu_seconds,
        ended_once.peak_mib,
        ended_once.rows_landed,
        ended_once.rows_quarantined,
        ended_once.nodes_failed
    from started_once
    left join ended_once
        on
            started_once.run_id = ended_once.run_id
            and ended_once.copy_number = 1
    where started_once.copy_number = 1
),

-- Runs of a kind exclude each other on a warehouse: one that began later and succeeded shows that the others are over.
judged as (
    select
        *,
        max(case when status = 'success' then started_at end)
            over (partition by warehouse, run_kind) as last_success_began_at
    from joined
),

final as (
    select
        judged.run_id,
        judged.run_kind,
        judged.parent_run_id,
        judged.run_batch_id,
        judged.target,
        judged.warehouse,
        judged.host,
        judged.process_id,
        judged.user_name,
        judged.arguments,
        judged.project_version,
        judged.started_at,
        judged.ended_at,
        case
            when judged.status is not null then judged.status
            when judged.last_success_began_at > judged.started_at then 'killed'
            when parents.status is not null then 'killed'
            else 'running'
        end as status,
        judged.message,
        judged.seconds,
        judged.cpu_seconds,
        judged.peak_mib,
        judged.rows_landed,
        judged.rows_quarantined,
        judged.nodes_failed
    from judged
    left join joined as parents on judged.parent_run_id = parents.run_id
)

select * from final
