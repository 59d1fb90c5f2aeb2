{{ pit(
    key="security_hk",
    timelines={
        "state": ref("bv_security__state"),
        "issuer": ref("bv_security__issuer"),
    },
) }}
