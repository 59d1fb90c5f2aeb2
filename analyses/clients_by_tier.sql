-- What do active customers of each tier have with us, and how much do they trade?
-- One row per tier; customers without a valid tier are under NULL.
with

customers as (
    select * from {{ ref('rpt_customer_360') }}
    where status = 'Active'
),

tiers as (
    select
        case when tier in (1, 2, 3) then tier end as tier,
        count(*) as customer_count,
        count(case when position_count > 0 then 1 end) as customers_with_holdings_count,
        cast(avg(cash_amount) as decimal(18, 2)) as average_cash_amount,
        cast(avg(holdings_amount) as decimal(18, 2)) as average_holdings_amount,
        cast(avg(completed_trade_count) as decimal(18, 1)) as average_trade_count,
        sum(charges_amount) as charges_amount
    from customers
    group by case when tier in (1, 2, 3) then tier end
)

select * from tiers
order by tier
