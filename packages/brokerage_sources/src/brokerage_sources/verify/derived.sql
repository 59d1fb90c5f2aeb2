-- table: batches
-- One row per batch. Events of batch 1 have no first day but that of the calendar.
select
    batch_id,
    batch_date,
    case when batch_id = 1 then (select min(date_value) from dates) else batch_date end
        as first_day
from batch_dates;

-- table: companies
-- One row per CMP record.
select
    file,
    rowid as position,
    strptime(line[1:15], '%Y%m%d-%H%M%S') as posted_at,
    length(line) as line_length,
    text_field(line, 19, 78) as name,
    line[79:88] as cik_text,
    line[79:88]::bigint as cik,
    text_field(line, 89, 92) as status,
    text_field(line, 93, 94) as industry_id,
    text_field(line, 95, 98) as sp_rating,
    date_field(line, 99, 106) as founding_date,
    text_field(line, 107, 186) as address_line_1,
    text_field(line, 187, 266) as address_line_2,
    text_field(line, 267, 278) as postal_code,
    text_field(line, 279, 303) as city,
    text_field(line, 304, 323) as state,
    text_field(line, 324, 347) as country,
    text_field(line, 348, 393) as ceo_name,
    text_field(line, 394, 543) as description
from finwire_lines
where line[16:18] = 'CMP';

-- table: company_lives
-- One row per company: from its first record to the one that makes it inactive.
select
    cik,
    min(name) as name,
    min(posted_at) as created_at,
    min(posted_at) filter (status = 'INAC') as inactive_at
from companies
group by cik;

-- table: securities
-- One row per SEC record, with the company it names.
with records as (
    select
        file,
        rowid as position,
        strptime(line[1:15], '%Y%m%d-%H%M%S') as posted_at,
        length(line) as line_length,
        text_field(line, 19, 33) as symbol,
        text_field(line, 34, 39) as issue_type,
        text_field(line, 40, 43) as status,
        text_field(line, 44, 113) as name,
        text_field(line, 114, 119) as exchange_id,
        text_field(line, 120, 132)::bigint as shares_out,
        date_field(line, 133, 140) as first_trade,
        date_field(line, 141, 148) as first_trade_on_exchange,
        text_field(line, 149, 160)::decimal(10, 2) as dividend,
        trim(line[161:]) as company_reference,
        whole_number(company_reference) as cik_given
    from finwire_lines
    where line[16:18] = 'SEC'
)

select
    r.*,
    coalesce(r.cik_given, c.cik) as cik
from records as r
left join company_lives as c on r.company_reference = c.name;

-- table: security_lives
-- One row per symbol.
select
    symbol,
    min(posted_at) as created_at,
    min(posted_at) filter (status = 'INAC') as inactive_at
from securities
group by symbol;

-- table: financials
-- One row per FIN record, with the company it names.
with records as (
    select
        file,
        rowid as position,
        strptime(line[1:15], '%Y%m%d-%H%M%S') as posted_at,
        length(line) as line_length,
        line[19:22]::integer as year,
        line[23]::integer as quarter,
        date_field(line, 24, 31) as quarter_start,
        date_field(line, 32, 39) as posting_date,
        text_field(line, 40, 56)::decimal(18, 2) as revenue,
        text_field(line, 57, 73)::decimal(18, 2) as earnings,
        text_field(line, 74, 85)::decimal(12, 2) as eps,
        text_field(line, 86, 97)::decimal(12, 2) as diluted_eps,
        text_field(line, 98, 109)::decimal(12, 2) as margin,
        text_field(line, 110, 126)::decimal(18, 2) as inventory,
        text_field(line, 127, 143)::decimal(18, 2) as assets,
        text_field(line, 144, 160)::decimal(18, 2) as liabilities,
        text_field(line, 161, 173)::bigint as shares_out,
        text_field(line, 174, 186)::bigint as diluted_shares_out,
        trim(line[187:]) as company_reference,
        whole_number(company_reference) as cik_given
    from finwire_lines
    where line[16:18] = 'FIN'
)

select
    r.*,
    coalesce(r.cik_given, c.cik) as cik
from records as r
left join company_lives as c on r.company_reference = c.name;

-- table: customer_births
-- One row per customer: how it was first announced. A row of a later batch is as old as its batch date.
select
    c_id,
    1 as batch_id,
    action_ts as born_at,
    c_tax_id,
    c_l_name,
    c_f_name,
    nullif(c_m_name, '') as c_m_name,
    nullif(c_gndr, '') as c_gndr,
    c_tier,
    c_dob,
    c_adline1,
    nullif(c_adline2, '') as c_adline2,
    c_zipcode,
    c_lcl_tx_id,
    c_nat_tx_id
from customer_actions
where action_type = 'NEW'
union all
select
    c_id,
    batch_id,
    batch_date,
    c_tax_id,
    c_l_name,
    c_f_name,
    c_m_name,
    c_gndr,
    c_tier,
    c_dob,
    c_adline1,
    c_adline2,
    c_zipcode,
    c_lcl_tx_id,
    c_nat_tx_id
from customers inner join batches using (batch_id)
where cdc_flag = 'I';

-- table: customer_ends
-- One row per inactivation of a customer.
select
    c_id,
    1 as batch_id,
    action_ts as ended_at
from customer_actions
where action_type = 'INACT'
union all
select
    c_id,
    batch_id,
    batch_date
from customers inner join batches using (batch_id)
where c_st_id = 'INAC';

-- table: account_births
-- One row per account and announcement (one per account in sound data).
select
    ca_id,
    c_id,
    1 as batch_id,
    action_ts as born_at
from customer_actions
where action_type in ('NEW', 'ADDACCT') and ca_id is not null
union all
select
    ca_id,
    ca_c_id,
    batch_id,
    batch_date
from accounts inner join batches using (batch_id)
where cdc_flag = 'I';

-- table: account_ends
-- One row per closing of an account.
select
    ca_id,
    1 as batch_id,
    action_ts as ended_at
from customer_actions
where action_type = 'CLOSEACCT'
union all
select
    ca_id,
    batch_id,
    batch_date
from accounts inner join batches using (batch_id)
where ca_st_id = 'INAC';

-- table: trade_events
-- One row per change of a trade's status, in file order.
select
    th_t_id as t_id,
    1 as batch_id,
    rowid as position,
    th_dts as event_at,
    th_st_id as status
from trade_history
union all
select
    t_id,
    batch_id,
    rowid,
    t_dts,
    t_st_id
from trades
where batch_id > 1;

-- table: trade_paths
-- One row per trade: its life in file order. `gap` is the shortest time between two events.
with steps as (
    select
        *,
        event_at - lag(event_at) over life as since_last
    from trade_events
    window life as (partition by t_id order by batch_id, position)
)

select
    t_id,
    min(event_at) as born_at,
    min(batch_id) as batch_id,
    string_agg(status, '>' order by batch_id, position) as path,
    min(since_last) as gap
from steps
group by t_id;

-- table: trade_lives
-- One row per trade: as it was first written down, with its life.
select
    t.t_id,
    t.t_tt_id,
    t.t_s_symb,
    t.t_qty,
    t.t_bid_price,
    t.t_ca_id,
    t.t_exec_name,
    t.t_is_cash,
    p.born_at,
    p.batch_id,
    p.path,
    p.gap,
    tt.tt_is_sell = 1 as is_sell,
    tt.tt_is_mrkt = 1 as is_market
from trades as t
inner join trade_paths as p on t.t_id = p.t_id and t.batch_id = p.batch_id
left join trade_types as tt on t.t_tt_id = tt.tt_id
where t.batch_id = 1 or t.cdc_flag = 'I';

-- table: completed_trades
-- One row per completed trade.
select
    t_id,
    batch_id,
    t_dts as completed_at,
    cdc_dsn,
    t_ca_id,
    t_s_symb,
    t_qty,
    t_bid_price,
    t_trade_price,
    t_chrg,
    t_comm,
    t_tax,
    t_tt_id
from trades
where t_st_id = 'CMPT';
