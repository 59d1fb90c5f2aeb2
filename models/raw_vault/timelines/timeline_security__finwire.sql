{{ config(materialized="view") }}

{{ timeline(
    satellite=ref("sat_security__finwire"),
    key="security_hk",
    columns=[
        "security_name", "issue_type", "status_code", "exchange_code",
        "shares_outstanding_count", "first_trade_date", "first_trade_on_exchange_date",
        "dividend_amount",
    ],
    keep_repeats=true,
) }}
