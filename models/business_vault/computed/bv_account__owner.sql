{{ version_cascade(
    states=ref("bv_account__state"),
    key="account_hk",
    parents=ref("bv_customer__history"),
    parent_key="customer_hk",
    parent_version="customer_version_hk",
    parent_columns=["last_inactivated_on"],
) }}
