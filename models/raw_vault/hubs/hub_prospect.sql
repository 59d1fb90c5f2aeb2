{{ hub(
    key="prospect_hk",
    business_key="prospect_id",
    feeds=[
        (ref("stg_prospect__prospects"), "prospect_id"),
    ],
) }}
