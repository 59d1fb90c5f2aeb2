with

accounts as (
    select * from {{ ref('bv_account__history') }}
),

hub_employee as (
    select * from {{ ref('hub_employee') }}
),

dim_broker as (
    select * from {{ ref('dim_broker') }}
),

status_types as (
    select * from {{ ref('status_types') }}
),

described as (
    select
        accounts.account_version_hk as sk_account_id,
        accounts.account_id,
        dim_broker.sk_broker_id,
        accounts.customer_version_hk as sk_customer_id,
        status_types.st_name as status,
        accounts.account_name as account_desc,
        accounts.tax_status_code as tax_status,
        accounts.is_current,
        accounts.batch_id,
        accounts.valid_from as effective_date,
        accounts.valid_to as end_date
    from accounts
    left join hub_employee on accounts.broker_hk = hub_employee.employee_hk
    left join dim_broker on hub_employee.employee_id = dim_broker.broker_id
    left join status_types on accounts.status_code = status_types.st_id
)

select * from described
