{{ config(meta={"in_order": true}) }}

{{ status_tracking_satellite(stage=ref("stg_prospect__prospects"), key="prospect_hk") }}
