with

audit_checks as (
    select * from {{ ref('audit_checks') }}
),

found as (
    {{- union_all([
        ref("audit_messages"),
        ref("audit_dim_broker"),
        ref("audit_dim_account"),
        ref("audit_dim_customer"),
        ref("audit_dim_security"),
        ref("audit_dim_company"),
        ref("audit_prospects"),
        ref("audit_fct_watches"),
        ref("audit_dim_trade"),
        ref("audit_financials"),
        ref("audit_fct_market_history"),
        ref("audit_fct_holdings"),
        ref("audit_fct_cash_balances"),
        ref("audit_row_counts"),
        ref("audit_visibility"),
    ]) }}
),

-- A number that is missing on either side is not OK.
compared as (
    select
        found.*,
        audit_checks.check_name,
        audit_checks.comparison,
        audit_checks.claim,
        audit_checks.known_fault,
        coalesce(
            case audit_checks.comparison
                when '=' then found.found = found.expected
                when '>=' then found.found >= found.expected
                when '<=' then found.found <= found.expected
                when '>' then found.found > found.expected
            end, false
        ) as is_ok
    from found
    left join audit_checks on found.check_number = audit_checks.check_number
),

worded as (
    select
        check_number,
        check_name || coalesce(': ' || subject, '') as check_name,
        batch_id,
        case
            when is_ok then 'OK'
            else
                'expected ' || comparison || ' ' || coalesce(cast(expected as {{ dbt.type_string() }}), 'unknown')
                || ', found ' || coalesce(cast(found as {{ dbt.type_string() }}), 'nothing')
        end as result,
        expected,
        found,
        claim as description,
        known_fault as explanation
    from compared
)

select * from worded
