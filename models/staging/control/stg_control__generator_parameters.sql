with

generator_audit as (
    select * from {{ source('control', 'generator_audit') }}
),

renamed as (
    select
        ---------- ids
        data_set,
        attribute,
        audited_batch_id,
        ---------- attributes
        date as date_value,
        value as integer_value,
        dvalue as decimal_value,
        ---------- load
        {{ load_columns() }}
    from generator_audit
)

select * from renamed
