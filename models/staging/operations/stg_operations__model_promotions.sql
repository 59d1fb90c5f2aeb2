with

model_promotion as (
    select * from {{ source('operations', 'model_promotion') }}
),

renamed as (
    select
        ---------- ids
        model_name,
        promoted_at,
        model_role,
        ---------- attributes
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
        ---------- load
        {{ load_columns() }}
    from model_promotion
)

select * from renamed
