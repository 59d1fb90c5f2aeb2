-- The last day before a month of which prices are known; NULL if there is none.
select max(dim_date.date_value) as date_value
from marts.fct_market_history as prices
inner join marts.dim_date as dim_date on prices.sk_date_id = dim_date.sk_date_id
where dim_date.date_value < $next_month
