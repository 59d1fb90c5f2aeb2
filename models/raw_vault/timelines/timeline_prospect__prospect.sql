{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_prospect__prospect"),
    key="prospect_hk",
    columns=[
        "last_name", "first_name", "middle_initial", "gender", "address_line_1",
        "address_line_2", "postal_code", "city", "state_province", "country", "phone",
        "income_amount", "car_count", "child_count", "marital_status_code", "age",
        "credit_rating", "own_or_rent_code", "employer", "credit_card_count", "net_worth_amount",
    ],
    order=["batch_id", "source_row"],
) }}
