{{ config(
    materialized="incremental",
    incremental_strategy="delete+insert",
    unique_key=["agency_id", "as_of_date"],
    on_schema_change="append_new_columns",
) }}

with

as_of_dates as (
    select * from {{ ref('ftr_as_of_dates') }}
    where
        is_week_end
        and {{ incremental_key_filter(["complete_batch_id"], [ref('ref_batch')], ["batch_id"]) }}
),

prospects as (
    select * from {{ ref('hub_prospect') }}
),

presences as (
    select * from {{ ref('sts_prospect__prospect') }}
),

versions as (
    select * from {{ ref('timeline_prospect__prospect') }}
),

nameplates as (
    select * from {{ ref('bv_prospect__nameplates') }}
),

matches as (
    select * from {{ ref('bv_prospect__customer_identity') }}
),

{{ prospect_features() }}

select * from features
