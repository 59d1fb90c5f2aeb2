with

batch_date as (
    select * from {{ source('control', 'batch_date') }}
),

renamed as (
    select
        ---------- attributes
        batch_date,
        ---------- load
        {{ load_columns() }}
    from batch_date
)

select * from renamed
