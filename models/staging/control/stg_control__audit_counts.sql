with

audit as (
    select * from {{ source('control', 'audit') }}
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
    from audit
)

select * from renamed
