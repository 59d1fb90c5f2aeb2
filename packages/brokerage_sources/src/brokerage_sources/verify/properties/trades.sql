-- check: trades.ids_are_dense
-- Trades are numbered from 0 in the order of their birth, across all batches
with announced as (
    select
        t_id,
        batch_id,
        rowid as position
    from trades
    where batch_id = 1 or cdc_flag = 'I'
)

select
    t_id,
    row_number() over (order by batch_id, position) - 1 as number
from announced
qualify t_id is distinct from number;

-- check: trades.born_in_order
-- A trade with a higher number is not born earlier
select
    t_id,
    born_at,
    lag(born_at) over (order by t_id) as before
from trade_lives
qualify born_at < before;

-- check: trades.same_number_every_day
-- As many trades are born on each day, the days of later batches included
with days as (
    select
        born_at::date as day,
        count(*) as trades
    from trade_lives
    group by all
)

select
    day,
    trades,
    first(trades) over (order by day) as first_days,
    lag(day) over (order by day) as before
from days
qualify trades <> first_days or day <> before + 1
union all
select
    batch_date as day,
    null as trades,
    null as first_days,
    null as before
from batches
anti join days on day = batch_date;

-- check: trades.allowed_sequences
-- A limit order is pending, then canceled or submitted and completed; a market order starts submitted
select
    t_id,
    t_tt_id,
    path
from trade_lives
where
    not coalesce(
        t_tt_id in ('TLB', 'TLS') and path in
        ('PNDG', 'PNDG>CNCL', 'PNDG>SBMT', 'PNDG>SBMT>CMPT')
        or t_tt_id in ('TMB', 'TMS') and path in ('SBMT', 'SBMT>CMPT'), false
    )
union all
select
    t_id,
    null as t_tt_id,
    path
from trade_paths
anti join trade_lives using (t_id);

-- check: trades.events_in_order
-- A trade's events follow each other in time, in file order
select
    t_id,
    path,
    gap
from trade_lives
where gap <= interval 0 second;

-- check: trades.events_keep_their_delays
-- A limit order is decided within 90 days, a submitted order completed within 5 minutes
with steps as (
    select
        t_id,
        status,
        event_at,
        lead(event_at) over life as next_at,
        lead(status) over life as next_status
    from trade_events
    window life as (partition by t_id order by batch_id, position)
)

from steps
where
    (status = 'PNDG' and next_at > event_at + interval 90 day)
    or (status = 'SBMT' and next_at > event_at + interval 300 second);

-- check: trades.no_event_is_late
-- What must have happened by the last batch has: no order is undecided after its longest delay
select
    t_id,
    path,
    born_at
from trade_lives
where
    path in ('PNDG', 'SBMT', 'PNDG>SBMT')
    and born_at + interval 90 day + interval 300 second
    < (select max(batch_date) from batches);

-- check: trades.events_in_their_batch
-- An event of a later batch falls on its date, those of the first not after it
select
    t_id,
    e.batch_id,
    event_at,
    status
from trade_events as e
inner join batches using (batch_id)
where event_at::date > batch_date or (batch_id > 1 and event_at::date <> batch_date);

-- check: trades.first_batch_shows_last_event
-- A trade of the first batch has status and time of its last history row
with first_batch as (
    from trades
    where batch_id = 1
),

last_events as (
    select
        t_id,
        arg_max(status, position) as status,
        arg_max(event_at, position) as event_at
    from trade_events
    where batch_id = 1
    group by t_id
)

select
    t.t_id,
    t.t_st_id,
    t.t_dts,
    last_events.status,
    last_events.event_at
from first_batch as t
full join last_events on t.t_id = last_events.t_id
where (t.t_st_id, t.t_dts) is distinct from (last_events.status, last_events.event_at);

-- check: trades.history_is_sorted
-- The history is sorted by trade
select
    th_t_id,
    lag(th_t_id) over (order by rowid) as before
from trade_history
qualify th_t_id < before;

-- check: trades.updates_follow_an_insert
-- The first row of a trade is an insert, all others are updates that repeat its terms
with later as (
    from trades
    where batch_id > 1
)

select
    u.batch_id,
    u.t_id,
    u.cdc_flag
from later as u
left join trade_lives as l on u.t_id = l.t_id
where
    l.t_id is null
    or (u.cdc_flag = 'U' and u.t_dts <= l.born_at)
    or (u.cdc_flag = 'I' and u.t_dts <> l.born_at)
    or (
        u.t_tt_id, u.t_is_cash, u.t_s_symb, u.t_qty, u.t_bid_price, u.t_ca_id,
        u.t_exec_name
    )
    is distinct from (
        l.t_tt_id, l.t_is_cash, l.t_s_symb, l.t_qty, l.t_bid_price,
        l.t_ca_id, l.t_exec_name
    );

-- check: trades.accounts_exist_before
-- A trade's account was opened before the trade was born
with opened as (
    select
        ca_id,
        min(born_at) as born_at
    from account_births
    group by ca_id
)

select
    t.t_id,
    t.born_at,
    t.t_ca_id,
    opened.born_at as opened_at
from trade_lives as t
left join opened
    on t.t_ca_id = opened.ca_id
where opened.ca_id is null or opened.born_at > t.born_at;

-- check: trades.securities_exist_before
-- A traded security was announced before, and a bought one was active when the quarter began
select
    t.t_id,
    t.born_at,
    t.t_s_symb,
    s.created_at,
    s.inactive_at
from trade_lives as t
left join security_lives as s on t.t_s_symb = s.symbol
where
    s.symbol is null or s.created_at > t.born_at
    or (not t.is_sell and s.inactive_at < date_trunc('quarter', t.born_at));

-- check: trades.brokers_exist
-- A trade is executed by a broker, named by number
select
    t_id,
    t_exec_name
from trade_lives
where
    try_cast(t_exec_name as bigint) is null or t_exec_name::bigint not in
    (
        select employee_id from employees
        where employee_job_code = 314
    );

-- check: trades.fields
-- Quantity and bid are positive; price, fee, commission and tax are given exactly when completed
select
    batch_id,
    t_id,
    t_st_id
from trades
where
    not coalesce(t_is_cash in (0, 1) and t_qty > 0 and t_bid_price > 0, false)
    or (t_st_id = 'CMPT') <> (t_trade_price is not null)
    or (t_st_id = 'CMPT') <> (t_chrg is not null)
    or (t_st_id = 'CMPT') <> (t_comm is not null)
    or (t_st_id = 'CMPT') <> (t_tax is not null)
    or t_trade_price <= 0 or t_chrg < 0 or t_comm < 0 or t_tax < 0;

-- check: trades.orders_in_range
-- An order is for 10 to 10 000 pieces at a bid of 1.00 to 10.00
select
    t_id,
    t_qty,
    t_bid_price
from trade_lives
where t_qty not between 10 and 10000 or t_bid_price not between 1 and 10;

-- check: trades.price_near_bid
-- A trade is completed within 5 % of its bid
select
    t_id,
    t_bid_price,
    t_trade_price
from completed_trades
where abs(t_trade_price - t_bid_price) > 0.05 * t_bid_price + 0.01;

-- check: trades.costs_in_range
-- Fee and commission are up to 0.5 % of the value or 1 to 10 times it, the tax 5 to 40 %
select
    t_id,
    t_trade_price * t_qty as worth,
    t_chrg,
    t_comm,
    t_tax
from completed_trades
-- either a small share of the value or, as an injected error, more than all of it (one cent is for rounding)
where
    (t_chrg > 0.005 * worth + 0.01 and t_chrg not between worth and 10 * worth + 0.01)
    or (t_comm > 0.005 * worth + 0.01 and t_comm not between worth and 10 * worth + 0.01)
    or t_tax not between 0.05 * worth - 0.01 and 0.4 * worth + 0.01;

-- check: trades.sells_keep_up_with_buys
-- The first day has buys only; on each later one buys outnumber sells by 2 at most
with days as (
    select
        born_at::date as day,
        count(*) filter (not is_sell) as buys,
        count(*) filter (is_sell) as sells
    from trade_lives
    group by all
)

from days
where case
    when day = (select min(day) from days) then sells <> 0
    else buys - sells not between 0 and 2
end;

-- check: holdings.one_per_completed_trade
-- Every completed trade has one holding row, in the batch and with the CDC_DSN of its completion
select
    h.hh_t_id,
    h.batch_id as found_in,
    t.t_id,
    t.batch_id as completed_in,
    h.cdc_dsn,
    t.cdc_dsn as completed_dsn
from holding_history as h
full join completed_trades as t on h.hh_t_id = t.t_id
qualify
    h.batch_id is distinct from t.batch_id or h.cdc_dsn is distinct from t.cdc_dsn
    or count(*) over (partition by coalesce(h.hh_t_id, t.t_id)) > 1;

-- check: holdings.sells_refer_to_an_earlier_buy
-- A buy opens its own holding; a sell reduces that of an earlier, completed buy of the same account and security
select
    h.hh_h_t_id,
    h.hh_t_id,
    t.t_tt_id,
    b.t_tt_id as bought_by
from holding_history as h
inner join completed_trades as t on h.hh_t_id = t.t_id
left join completed_trades as b on h.hh_h_t_id = b.t_id
left join trade_types as kind on t.t_tt_id = kind.tt_id
left join trade_types as origin on b.t_tt_id = origin.tt_id
where not coalesce(case
    when kind.tt_is_sell = 0
        then h.hh_h_t_id = h.hh_t_id
    else
        origin.tt_is_sell = 0 and b.t_id < t.t_id and b.completed_at < t.completed_at
        and b.t_ca_id = t.t_ca_id and b.t_s_symb = t.t_s_symb
end, false);

-- check: holdings.quantities_chain
-- A holding starts at 0, each row continues the one before by its trade's quantity, and it never falls below 0
with chained as (
    select
        h.*,
        t.t_qty,
        t.completed_at,
        coalesce(lag(h.hh_after_qty) over (
            partition by h.hh_h_t_id order by t.completed_at, t.t_id
        ), 0) as held
    from holding_history as h inner join completed_trades as t on h.hh_t_id = t.t_id
)

select
    hh_h_t_id,
    hh_t_id,
    held,
    hh_before_qty,
    hh_after_qty,
    t_qty
from chained
where
    hh_before_qty <> held or hh_after_qty < 0
    or abs(hh_after_qty - hh_before_qty) <> t_qty;

-- check: holdings.sorted_by_trade
-- Holding rows of the first batch are sorted by trade
select
    hh_t_id,
    lag(hh_t_id) over (order by rowid) as before
from holding_history
where batch_id = 1
qualify hh_t_id <= before;

-- check: cash.accounts_exist_before
-- A cash transaction's account was opened before
with opened as (
    select
        ca_id,
        min(born_at) as born_at
    from account_births
    group by ca_id
)

select
    c.ct_ca_id,
    c.ct_dts,
    opened.born_at
from cash_transactions as c
left join opened
    on c.ct_ca_id = opened.ca_id
where opened.ca_id is null or opened.born_at > c.ct_dts;

-- check: cash.in_its_batch
-- A cash transaction of a later batch falls on its date, those of the first not after it
select
    c.batch_id,
    c.ct_ca_id,
    c.ct_dts
from cash_transactions as c
inner join batches using (batch_id)
where ct_dts::date > batch_date or (batch_id > 1 and ct_dts::date <> batch_date);

-- check: cash.one_per_completed_trade
-- An account has a cash transaction for each trade completed more than 5 days before the end, and none beyond
with completed as (
    select
        t_ca_id as account,
        count(*) as trades,
        count(*) filter (completed_at < (
            select max(batch_date) + interval 1 day - interval 5 day from batches
        )) as settled
    from completed_trades
    group by all
),

-- a cash transaction does not name its trade, so they are compared by number
paid as (
    select
        ct_ca_id as account,
        count(*) as payments
    from cash_transactions
    group by all
)

select
    account,
    trades,
    settled,
    payments
from completed
full join paid using (account)
where not coalesce(coalesce(payments, 0) between settled and trades, false);

-- check: cash.buys_pay_and_sells_receive
-- An account's payments are no more than its completed buys, its receipts no more than its completed sells
with completed as (
    select
        t_ca_id as account,
        count(*) filter (tt_is_sell = 0) as buys,
        count(*) filter (tt_is_sell = 1) as sells
    from completed_trades inner join trade_types on tt_id = t_tt_id
    group by all
),

paid as (
    select
        ct_ca_id as account,
        count(*) filter (ct_amt < 0) as payments,
        count(*) filter (ct_amt > 0) as receipts
    from cash_transactions
    group by all
)

from completed
inner join paid using (account)
where payments > buys or receipts > sells;

-- check: cash.fields
-- The amount is not zero and the name has 10 to 100 characters
select
    batch_id,
    ct_ca_id,
    ct_dts,
    ct_amt,
    ct_name_length
from cash_transactions
where not coalesce(ct_amt <> 0 and ct_name_length between 10 and 100, false);
