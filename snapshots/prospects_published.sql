{% snapshot prospects_published %}

    {{ config(
        unique_key="agency_id",
        strategy="check",
        check_cols=["is_customer", "marketing_nameplate", "sk_update_date_id"],
        hard_deletes="invalidate",
        pre_hook="{{ refuse_empty_list() }}",
        snapshot_meta_column_names={
            "dbt_valid_from": "published_from",
            "dbt_valid_to": "published_to",
            "dbt_updated_at": "published_at",
            "dbt_scd_id": "publication_id",
        },
    ) }}

    with

    prospects as (
        select * from {{ ref('prospects') }}
    ),

    hub_prospect as (
        select * from {{ ref('hub_prospect') }}
    ),

    listed_prospects as (
        select * from {{ ref('bv_prospect__history') }}
        where
            is_current
            and is_listed
    ),

    listed as (
        select
            prospects.agency_id,
            prospects.is_customer,
            prospects.marketing_nameplate,
            prospects.sk_update_date_id
        from prospects
        inner join hub_prospect on prospects.agency_id = hub_prospect.prospect_id
        inner join listed_prospects on hub_prospect.prospect_hk = listed_prospects.prospect_hk
    )

    select * from listed

{% endsnapshot %}
