with

model_promotions as (
    select * from {{ ref('stg_operations__model_promotions') }}
),

-- A promotion that was recorded twice counts once.
once as (
    select
        *,
        {{ copy_number(["model_name", "promoted_at", "model_role"]) }} as copy_number
    from model_promotions
),

promotions as (
    select * from once
    where copy_number = 1
),

-- A version that becomes the champion is no challenger any more.
followed as (
    select
        *,
        row_number() over (partition by model_name, model_role order by promoted_at desc) as newest,
        max(case when model_role = 'champion' then promoted_at end) over (
            partition by model_name, model_version
        ) as became_champion_at
    from promotions
),

final as (
    select
        model_name,
        promoted_at,
        model_role,
        run_id,
        model_version,
        previous_version,
        reason,
        note,
        user_name,
        model_kind,
        published_version,
        learned_until,
        judged_until,
        example_count,
        area,
        area_low,
        area_high,
        chance,
        newest = 1
        and model_version is not null
        and (model_role = 'champion' or became_champion_at is null or promoted_at > became_champion_at)
            as is_current
    from followed
)

select * from final
