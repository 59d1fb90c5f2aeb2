with

account as (
    select * from {{ source('brokerage', 'account') }}
),

renamed as (
    select
        ---------- ids
        {{ hash_key(["ca_id"]) }} as account_hk,
        {{ hash_key(["ca_c_id"]) }} as customer_hk,
        {{ hash_key(["ca_b_id"]) }} as broker_hk,
        {{ hash_key(["ca_id", "ca_c_id"]) }} as account_customer_hk,
        {{ hash_key(["ca_id", "ca_b_id"]) }} as account_broker_hk,
        ca_id as account_id,
        ca_c_id as customer_id,
        ca_b_id as broker_id,
        ---------- attributes
        ca_name as account_name,
        ca_tax_st as tax_status_code,
        ca_st_id as status_code,
        ---------- change
        cdc_flag,
        cdc_dsn as sequence_number,
        ---------- load
        {{ load_columns() }}
    from account
)

select * from renamed
