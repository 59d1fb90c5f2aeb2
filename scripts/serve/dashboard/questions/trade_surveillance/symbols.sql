-- Securities that customers traded.
select distinct symbol
from marts.rpt_trading_activity
order by symbol
