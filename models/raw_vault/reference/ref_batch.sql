{{ reference(
    stage=ref("stg_control__batches"),
    key="batch_date",
    columns=[],
) }}
