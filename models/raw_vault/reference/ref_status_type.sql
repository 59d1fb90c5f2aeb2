{{ reference(
    stage=ref("stg_reference__status_types"),
    key="status_code",
    columns=["status_name"],
) }}
