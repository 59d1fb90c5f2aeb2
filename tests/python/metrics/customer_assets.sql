-- What clients have today is also in the table of their state, which is made in another way.
select
    tier as grouped,
    sum(cash_amount) as cash_balance,
    sum(holdings_amount) as holdings_value,
    sum(total_amount) as assets_under_custody,
    sum(active_account_count) as active_accounts
from marts.rpt_customer_360
group by 1
