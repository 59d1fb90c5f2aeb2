{%- set text = dbt.type_string() %}
{#- References to a member that is not known and codes that are not listed: kind, condition, name and value. -#}
{%- set accounts = [
    ("unknown_member", "dim_account.sk_broker_id = " ~ zero_key(), "CA_B_ID", "hub_employee.employee_id"),
    ("unknown_member", "dim_account.sk_customer_id = " ~ zero_key(), "CA_C_ID", "hub_customer.customer_id"),
    ("unknown_code", "dim_account.status = 'Unknown'", "CA_ST_ID", "history.status_code"),
] -%}
{%- set customers = [
    ("unknown_code", "dim_customer.status = 'Unknown'", "C_ST_ID", "history.status_code"),
    (
        "unknown_code",
        "dim_customer.national_tax_rate_desc is null and history.national_tax_rate_code is not null",
        "C_NAT_TX_ID",
        "history.national_tax_rate_code",
    ),
    (
        "unknown_code",
        "dim_customer.local_tax_rate_desc is null and history.local_tax_rate_code is not null",
        "C_LCL_TX_ID",
        "history.local_tax_rate_code",
    ),
] -%}
{%- set companies = [
    ("unknown_code", "dim_company.status = 'Unknown'", "CO_ST_ID", "history.status_code"),
    ("unknown_code", "dim_company.industry = 'Unknown'", "CO_IN_ID", "history.industry_code"),
] -%}
{%- set securities = [
    ("unknown_member", "dim_security.sk_company_id = " ~ zero_key(), "S_CO_ID", "hub_company.company_key"),
    ("unknown_code", "dim_security.status = 'Unknown'", "S_ST_ID", "history.status_code"),
] -%}
{%- set trades = [
    ("unknown_code", "dim_trade.status = 'Unknown'", "T_ST_ID", "history.status_code"),
    ("unknown_code", "dim_trade.type = 'Unknown'", "T_TT_ID", "history.trade_type_code"),
] -%}

with

account_versions as (
    {%- for code, condition, value_name, value in accounts %}
        select
            '{{ code }}' as message_code,
            'DimAccount' as message_source,
            dim_account.batch_id,
            'CA_ID = '
            || cast(dim_account.account_id as {{ text }})
            || ', {{ value_name }} = '
            || coalesce(cast({{ value }} as {{ text }}), '')
                as message_data
        from {{ ref('dim_account') }} as dim_account
        inner join {{ ref('bv_account__history') }} as history on dim_account.sk_account_id = history.account_version_hk
        left join {{ ref('hub_employee') }} as hub_employee on history.broker_hk = hub_employee.employee_hk
        left join {{ ref('hub_customer') }} as hub_customer on history.customer_hk = hub_customer.customer_hk
        where {{ condition }}
        {{ "union all" if not loop.last }}
    {%- endfor %}
),

customer_versions as (
    {%- for code, condition, value_name, value in customers %}
        select
            '{{ code }}' as message_code,
            'DimCustomer' as message_source,
            dim_customer.batch_id,
            'C_ID = '
            || cast(dim_customer.customer_id as {{ text }})
            || ', {{ value_name }} = '
            || coalesce({{ value }}, '')
                as message_data
        from {{ ref('dim_customer') }} as dim_customer
        inner join
            {{ ref('bv_customer__history') }} as history
            on dim_customer.sk_customer_id = history.customer_version_hk
        where {{ condition }}
        {{ "union all" if not loop.last }}
    {%- endfor %}
),

company_versions as (
    {%- for code, condition, value_name, value in companies %}
        select
            '{{ code }}' as message_code,
            'DimCompany' as message_source,
            dim_company.batch_id,
            'CO_ID = '
            || cast(dim_company.company_id as {{ text }})
            || ', {{ value_name }} = '
            || coalesce({{ value }}, '')
                as message_data
        from {{ ref('dim_company') }} as dim_company
        inner join {{ ref('bv_company__history') }} as history on dim_company.sk_company_id = history.company_version_hk
        where {{ condition }}
        {{ "union all" if not loop.last }}
    {%- endfor %}
),

-- By the reference of the newswire, which may be a name.
issuers as (
    select * from {{ ref('timeline_security_company__finwire') }}
),

security_versions as (
    {%- for code, condition, value_name, value in securities %}
        select
            '{{ code }}' as message_code,
            'DimSecurity' as message_source,
            dim_security.batch_id,
            'S_SYMB = ' || dim_security.symbol || ', {{ value_name }} = ' || coalesce({{ value }}, '')
                as message_data
        from {{ ref('dim_security') }} as dim_security
        inner join
            {{ ref('bv_security__history') }} as history
            on dim_security.sk_security_id = history.security_version_hk
        left join issuers
            on
                history.security_hk = issuers.security_hk
                and history.valid_from >= cast(issuers.valid_from as date)
                and history.valid_from < cast(issuers.valid_to as date)
        left join {{ ref('hub_company') }} as hub_company on issuers.reference_hk = hub_company.company_hk
        where {{ condition }}
        {{ "union all" if not loop.last }}
    {%- endfor %}
),

trades as (
    {%- for code, condition, value_name, value in trades %}
        select
            '{{ code }}' as message_code,
            'DimTrade' as message_source,
            dim_trade.batch_id,
            'T_ID = ' || cast(dim_trade.trade_id as {{ text }}) || ', {{ value_name }} = ' || coalesce({{ value }}, '')
                as message_data
        from {{ ref('dim_trade') }} as dim_trade
        inner join {{ ref('bv_trade__life_cycle') }} as history on dim_trade.trade_id = history.trade_id
        where {{ condition }}
        {{ "union all" if not loop.last }}
    {%- endfor %}
),

written as (
    {{- union_all(["account_versions", "customer_versions", "company_versions", "security_versions", "trades"]) }}
),

-- A version that follows for another reason says nothing new.
first_written as (
    select
        message_code,
        min(batch_id) as batch_id,
        message_source,
        message_data
    from written
    group by message_code, message_source, message_data
)

select * from first_written
