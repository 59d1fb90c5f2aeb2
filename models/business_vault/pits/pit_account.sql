{{ pit(
    key="account_hk",
    timelines={
        "state": ref("bv_account__state"),
        "owner": ref("bv_account__owner"),
    },
) }}
