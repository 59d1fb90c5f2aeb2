with

model_outcome as (
    select * from {{ source('operations', 'model_outcome') }}
),

renamed as (
    select
        ---------- ids
        run_id,
        model_name,
        model_role,
        as_of_date,
        ---------- attributes
        checked_at,
        model_version,
        published_version,
        published_batch_id,
        example_count,
        expected_count,
        happened_count,
        area,
        ---------- load
        {{ load_columns() }}
    from model_outcome
)

select * from renamed
