"""Tables that many checks share: who was born when, and what became of it.

They are derived from the loaded files and state what the files say, at the grain named in
`DERIVED`; none applies a rule of the warehouse.
"""

from __future__ import annotations

import duckdb

from brokerage_sources.verify.reading import SourceFolderError

_FINWIRE_HEADER = """
    file,
    rowid as position,
    strptime(line[1:15], '%Y%m%d-%H%M%S') as posted_at,
    length(line) as line_length
"""


def _text(first: int, last: int) -> str:
    """A blank padded field of a FINWIRE line (1-based, inclusive), NULL when blank."""
    return f"nullif(trim(line[{first}:{last}]), '')"


def _day(first: int, last: int) -> str:
    return f"strptime({_text(first, last)}, '%Y%m%d')::date"


def _company_reference(start: int) -> str:
    """A company is named by its CIK, when all digits, or by its name."""
    return f"""
        trim(line[{start}:]) as company_reference,
        case when regexp_full_match(trim(line[{start}:]), '\\d+')
            then trim(line[{start}:])::bigint end as cik_given
    """


DERIVED = {
    # One row per batch. Events of batch 1 have no first day but that of the calendar.
    "batches": """
        select batch_id, batch_date,
            case when batch_id = 1 then (select min(date_value) from dates) else batch_date end
                as first_day
        from batch_dates
    """,
    # One row per CMP record.
    "companies": f"""
        select {_FINWIRE_HEADER},
            {_text(19, 78)} as name, line[79:88] as cik_text, line[79:88]::bigint as cik,
            {_text(89, 92)} as status, {_text(93, 94)} as industry_id,
            {_text(95, 98)} as sp_rating, {_day(99, 106)} as founding_date,
            {_text(107, 186)} as address_line_1, {_text(187, 266)} as address_line_2,
            {_text(267, 278)} as postal_code, {_text(279, 303)} as city,
            {_text(304, 323)} as state, {_text(324, 347)} as country,
            {_text(348, 393)} as ceo_name, {_text(394, 543)} as description
        from finwire_lines where line[16:18] = 'CMP'
    """,
    # One row per company: from its first record to the one that makes it inactive.
    "company_lives": """
        select cik, min(name) as name, min(posted_at) as created_at,
            min(posted_at) filter (status = 'INAC') as inactive_at
        from companies group by cik
    """,
    # One row per SEC record, with the company it names.
    "securities": f"""
        with records as (
            select {_FINWIRE_HEADER},
                {_text(19, 33)} as symbol, {_text(34, 39)} as issue_type,
                {_text(40, 43)} as status, {_text(44, 113)} as name,
                {_text(114, 119)} as exchange_id, {_text(120, 132)}::bigint as shares_out,
                {_day(133, 140)} as first_trade, {_day(141, 148)} as first_trade_on_exchange,
                {_text(149, 160)}::decimal(10,2) as dividend,
                {_company_reference(161)}
            from finwire_lines where line[16:18] = 'SEC'
        )
        select r.*, coalesce(r.cik_given, c.cik) as cik
        from records r left join company_lives c on c.name = r.company_reference
    """,
    # One row per symbol.
    "security_lives": """
        select symbol, min(posted_at) as created_at,
            min(posted_at) filter (status = 'INAC') as inactive_at
        from securities group by symbol
    """,
    # One row per FIN record, with the company it names.
    "financials": f"""
        with records as (
            select {_FINWIRE_HEADER},
                line[19:22]::integer as year, line[23]::integer as quarter,
                {_day(24, 31)} as quarter_start, {_day(32, 39)} as posting_date,
                {_text(40, 56)}::decimal(18,2) as revenue,
                {_text(57, 73)}::decimal(18,2) as earnings,
                {_text(74, 85)}::decimal(12,2) as eps,
                {_text(86, 97)}::decimal(12,2) as diluted_eps,
                {_text(98, 109)}::decimal(12,2) as margin,
                {_text(110, 126)}::decimal(18,2) as inventory,
                {_text(127, 143)}::decimal(18,2) as assets,
                {_text(144, 160)}::decimal(18,2) as liabilities,
                {_text(161, 173)}::bigint as shares_out,
                {_text(174, 186)}::bigint as diluted_shares_out,
                {_company_reference(187)}
            from finwire_lines where line[16:18] = 'FIN'
        )
        select r.*, coalesce(r.cik_given, c.cik) as cik
        from records r left join company_lives c on c.name = r.company_reference
    """,
    # One row per customer: how it was first announced. A row of a later batch is as old as its
    # batch date.
    "customer_births": """
        select c_id, 1 as batch_id, action_ts as born_at, c_tax_id, c_l_name, c_f_name,
            nullif(c_m_name, '') as c_m_name, nullif(c_gndr, '') as c_gndr, c_tier, c_dob,
            c_adline1, nullif(c_adline2, '') as c_adline2, c_zipcode, c_lcl_tx_id, c_nat_tx_id
        from customer_actions where action_type = 'NEW'
        union all
        select c_id, batch_id, batch_date, c_tax_id, c_l_name, c_f_name, c_m_name, c_gndr,
            c_tier, c_dob, c_adline1, c_adline2, c_zipcode, c_lcl_tx_id, c_nat_tx_id
        from customers join batches using (batch_id) where cdc_flag = 'I'
    """,
    # One row per inactivation of a customer.
    "customer_ends": """
        select c_id, 1 as batch_id, action_ts as ended_at
        from customer_actions where action_type = 'INACT'
        union all
        select c_id, batch_id, batch_date
        from customers join batches using (batch_id) where c_st_id = 'INAC'
    """,
    # One row per account and announcement (one per account in sound data).
    "account_births": """
        select ca_id, c_id, 1 as batch_id, action_ts as born_at
        from customer_actions where action_type in ('NEW', 'ADDACCT') and ca_id is not null
        union all
        select ca_id, ca_c_id, batch_id, batch_date
        from accounts join batches using (batch_id) where cdc_flag = 'I'
    """,
    # One row per closing of an account.
    "account_ends": """
        select ca_id, 1 as batch_id, action_ts as ended_at
        from customer_actions where action_type = 'CLOSEACCT'
        union all
        select ca_id, batch_id, batch_date
        from accounts join batches using (batch_id) where ca_st_id = 'INAC'
    """,
    # One row per change of a trade's status, in file order.
    "trade_events": """
        select th_t_id as t_id, 1 as batch_id, rowid as position, th_dts as event_at,
            th_st_id as status
        from trade_history
        union all
        select t_id, batch_id, rowid, t_dts, t_st_id from trades where batch_id > 1
    """,
    # One row per trade: its life in file order. `gap` is the shortest time between two events.
    "trade_paths": """
        with steps as (
            select *, event_at - lag(event_at) over life as since_last
            from trade_events window life as (partition by t_id order by batch_id, position)
        )
        select t_id, min(event_at) as born_at, min(batch_id) as batch_id,
            string_agg(status, '>' order by batch_id, position) as path,
            min(since_last) as gap
        from steps group by t_id
    """,
    # One row per trade: as it was first written down, with its life.
    "trade_lives": """
        select t.t_id, t.t_tt_id, t.t_s_symb, t.t_qty, t.t_bid_price, t.t_ca_id, t.t_exec_name,
            t.t_is_cash, p.born_at, p.batch_id, p.path, p.gap,
            tt.tt_is_sell = 1 as is_sell, tt.tt_is_mrkt = 1 as is_market
        from trades t
        join trade_paths p on p.t_id = t.t_id and p.batch_id = t.batch_id
        left join trade_types tt on tt.tt_id = t.t_tt_id
        where t.batch_id = 1 or t.cdc_flag = 'I'
    """,
    # One row per completed trade.
    "completed_trades": """
        select t_id, batch_id, t_dts as completed_at, cdc_dsn, t_ca_id, t_s_symb, t_qty,
            t_bid_price, t_trade_price, t_chrg, t_comm, t_tax, t_tt_id
        from trades where t_st_id = 'CMPT'
    """,
}


def derive(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every derived table.

    Raises `SourceFolderError` when a value cannot be read as what its place says, for instance a
    FINWIRE date.
    """
    for table, sql in DERIVED.items():
        try:
            connection.execute(f"create table {table} as {sql}")
        except duckdb.Error as error:
            raise SourceFolderError(f"deriving {table} from the files failed: {error}") from error
