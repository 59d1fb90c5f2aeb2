with

model_check as (
    select * from {{ source('operations', 'model_check') }}
),

renamed as (
    select
        ---------- ids
        run_id,
        check_name,
        subject,
        ---------- attributes
        checked_at,
        model_name,
        model_version,
        published_version,
        published_batch_id,
        found_value,
        watch_from,
        act_from,
        state,
        ---------- load
        {{ load_columns() }}
    from model_check
)

select * from renamed
