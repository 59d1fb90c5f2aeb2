with

record as (
    select * from {{ source('finwire', 'record') }}
),

renamed as (
    select
        ---------- ids
        {{ hash_key(["cik"]) }} as company_hk,
        cast(cik as {{ dbt.type_string() }}) as company_key,
        cik as company_id,
        ---------- attributes
        company_name,
        status as status_code,
        industry_id as industry_code,
        sp_rating,
        founding_date,
        addr_line1 as address_line_1,
        addr_line2 as address_line_2,
        postal_code,
        city,
        state_province,
        country,
        ceo_name,
        description as company_description,
        ---------- change
        source_row as sequence_number,
        pts as applied_at,
        ---------- load
        {{ load_columns() }}
    from record
    where rec_type = 'CMP'
)

select * from renamed
