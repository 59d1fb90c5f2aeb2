{{ satellite(
    stage=ref("stg_finwire__financials"),
    key=["reference_hk"],
    columns=[
        "company_reference", "reported_year", "reported_quarter", "quarter_start_date",
        "posting_date", "revenue_amount", "net_earnings_amount", "basic_earnings_per_share",
        "diluted_earnings_per_share", "margin_rate", "inventory_amount", "assets_amount",
        "liabilities_amount", "basic_shares_outstanding_count",
        "diluted_shares_outstanding_count", "sequence_number",
    ],
) }}
