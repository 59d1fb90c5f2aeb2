{{ pit(
    key="customer_hk",
    timelines={
        "state": ref("bv_customer__state"),
        "demographics": ref("bv_customer__demographics"),
    },
) }}
