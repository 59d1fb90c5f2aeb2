-- Do customers buy what they watch? How many watches were followed by a purchase within a year, how many removed?
-- One row per year of watching. Watches and trades refer to versions, so they are joined by customer_id and symbol.
with

watches as (
    select * from {{ ref('fct_watches') }}
),

trades as (
    select * from {{ ref('dim_trade') }}
    where type in ('Market Buy', 'Limit Buy')
),

dim_customer as (
    select * from {{ ref('dim_customer') }}
),

dim_security as (
    select * from {{ ref('dim_security') }}
),

dim_date as (
    select * from {{ ref('dim_date') }}
),

placed as (
    select
        dim_customer.customer_id,
        dim_security.symbol,
        dim_date.date_value as placed_on,
        dim_date.calendar_year_id,
        watches.sk_date_id_date_removed is not null as is_removed
    from watches
    inner join dim_customer on watches.sk_customer_id = dim_customer.sk_customer_id
    inner join dim_security on watches.sk_security_id = dim_security.sk_security_id
    inner join dim_date on watches.sk_date_id_date_placed = dim_date.sk_date_id
),

purchases as (
    select
        dim_customer.customer_id,
        dim_security.symbol,
        dim_date.date_value as bought_on
    from trades
    inner join dim_customer on trades.sk_customer_id = dim_customer.sk_customer_id
    inner join dim_security on trades.sk_security_id = dim_security.sk_security_id
    inner join dim_date on trades.sk_create_date_id = dim_date.sk_date_id
),

years as (
    select
        placed.calendar_year_id,
        count(*) as watch_count,
        count(case when placed.is_removed then 1 end) as removed_count,
        count(
            case
                when exists (
                    select 1 from purchases
                    where
                        purchases.customer_id = placed.customer_id
                        and purchases.symbol = placed.symbol
                        and purchases.bought_on >= placed.placed_on
                        and purchases.bought_on <= {{ dbt.dateadd("year", 1, "placed.placed_on") }}
                ) then 1
            end
        ) as followed_by_purchase_count
    from placed
    group by placed.calendar_year_id
)

select * from years
order by calendar_year_id
