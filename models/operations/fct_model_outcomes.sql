with

model_outcomes as (
    select * from {{ ref('stg_operations__model_outcomes') }}
),

-- A file of records that was copied counts once.
once as (
    select
        *,
        {{ copy_number(["run_id", "model_name", "model_role", "as_of_date"]) }} as copy_number
    from model_outcomes
),

final as (
    select
        run_id,
        model_name,
        model_role,
        as_of_date,
        checked_at,
        model_version,
        published_version,
        published_batch_id,
        example_count,
        expected_count,
        happened_count,
        area
    from once
    where copy_number = 1
)

select * from final
