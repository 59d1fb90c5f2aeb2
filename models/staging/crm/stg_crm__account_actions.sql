with

customer_mgmt as (
    select * from {{ source('crm', 'customer_mgmt') }}
),

renamed as (
    select
        ---------- ids
        {{ hash_key(["ca_id"]) }} as account_hk,
        {{ hash_key(["c_id"]) }} as customer_hk,
        {{ hash_key(["ca_b_id"]) }} as broker_hk,
        {{ hash_key(["ca_id", "c_id"]) }} as account_customer_hk,
        -- Most updates do not name the broker; that says nothing about who it is.
        case when ca_b_id is not null then {{ hash_key(["ca_id", "ca_b_id"]) }} end as account_broker_hk,
        ca_id as account_id,
        c_id as customer_id,
        ca_b_id as broker_id,
        ---------- attributes
        action_type,
        ca_name as account_name,
        ca_tax_st as tax_status_code,
        supplied_fields,
        ---------- change
        source_row as sequence_number,
        action_ts as applied_at,
        ---------- load
        {{ load_columns() }}
    from customer_mgmt
    where ca_id is not null
)

select * from renamed
