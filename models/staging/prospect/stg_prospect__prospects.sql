with

prospect as (
    select * from {{ source('prospect', 'prospect') }}
),

renamed as (
    select
        ---------- ids
        {{ hash_key(["agency_id"]) }} as prospect_hk,
        {{ hashdiff([
            "last_name",
            "first_name",
            "middle_initial",
            "gender",
            "address_line1",
            "address_line2",
            "postal_code",
            "city",
            "state",
            "country",
            "phone",
            "income",
            "number_cars",
            "number_children",
            "marital_status",
            "age",
            "credit_rating",
            "own_or_rent_flag",
            "employer",
            "number_credit_cards",
            "net_worth",
        ]) }} as prospect_hd,
        agency_id as prospect_id,
        ---------- attributes
        last_name,
        first_name,
        middle_initial,
        gender,
        address_line1 as address_line_1,
        address_line2 as address_line_2,
        postal_code,
        city,
        state as state_province,
        country,
        phone,
        income as income_amount,
        number_cars as car_count,
        number_children as child_count,
        marital_status as marital_status_code,
        age,
        credit_rating,
        own_or_rent_flag as own_or_rent_code,
        employer,
        number_credit_cards as credit_card_count,
        net_worth as net_worth_amount,
        ---------- load
        {{ load_columns() }}
    from prospect
)

select * from renamed
