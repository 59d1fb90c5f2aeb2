with

model_checks as (
    select * from {{ ref('stg_operations__model_checks') }}
),

-- A file of records that was copied counts once.
once as (
    select
        *,
        {{ copy_number(["run_id", "check_name", "subject"]) }} as copy_number
    from model_checks
),

final as (
    select
        run_id,
        check_name,
        subject,
        checked_at,
        model_name,
        model_version,
        published_version,
        published_batch_id,
        found_value,
        watch_from,
        act_from,
        state
    from once
    where copy_number = 1
)

select * from final
