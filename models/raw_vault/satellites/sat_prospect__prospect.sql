{{ config(meta={"in_order": true}) }}

{{ satellite(
    stage=ref("stg_prospect__prospects"),
    key=["prospect_hk"],
    hashdiff="prospect_hd",
    columns=[
        "last_name", "first_name", "middle_initial", "gender", "address_line_1",
        "address_line_2", "postal_code", "city", "state_province", "country", "phone",
        "income_amount", "car_count", "child_count", "marital_status_code", "age",
        "credit_rating", "own_or_rent_code", "employer", "credit_card_count", "net_worth_amount",
    ],
    dated_by_batch=true,
) }}
