-- check: finwire.record_types
-- Every line is a CMP, SEC or FIN record of its fixed length
select
    file,
    rowid as line_position,
    line[16:18] as record_type,
    length(line) as length
from finwire_lines
where not coalesce(case line[16:18]
    when 'CMP' then length(line) = 543
    when 'SEC' then length(line) in (170, 220)
    when 'FIN' then length(line) in (196, 246)
end, false);

-- check: companies.ids_are_dense
-- CIKs count up from 0, ten digits with leading zeros
select cik from company_lives
qualify cik >= count(*) over ()
union all
select cik from companies
where not regexp_full_match(cik_text, '\d{10}');

-- check: companies.one_record_a_day
-- A company has at most one CMP record a day
select
    cik,
    posted_at::date as day,
    count(*) as records
from companies
group by all
having records > 1;

-- check: companies.names_are_unique
-- A company never changes its name, no two companies share one, and none is a number
select
    cik,
    name
from companies
qualify
    name is null or regexp_full_match(name, '\d+')
    or min(name) over (partition by cik) <> max(name) over (partition by cik)
    or min(cik) over (partition by name) <> max(cik) over (partition by name);

-- check: companies.start_active_end_once
-- A company's first record is active, and nothing follows the one that makes it inactive
select
    cik,
    posted_at,
    status,
    row_number() over life as number,
    lag(status) over life as before
from companies
window life as (partition by cik order by posted_at)
qualify
    coalesce(status, '') not in ('ACTV', 'INAC') or (number = 1 and status <> 'ACTV')
    or before = 'INAC';

-- check: companies.fields
-- Required fields are filled, the industry is listed, the company was founded before
select
    cik,
    posted_at
from companies
where
    coalesce(industry_id, '') not in (select in_id from industries) or sp_rating is null
    or address_line_1 is null or postal_code is null or city is null or state is null
    or ceo_name is null or description is null or founding_date > posted_at;

-- check: securities.one_record_a_day
-- A symbol has at most one SEC record a day
select
    symbol,
    posted_at::date as day,
    count(*) as records
from securities
group by all
having records > 1;

-- check: securities.start_active_end_once
-- A symbol's first record is active, and nothing follows the one that makes it inactive
select
    symbol,
    posted_at,
    status,
    row_number() over life as number,
    lag(status) over life as before
from securities
window life as (partition by symbol order by posted_at)
qualify
    coalesce(status, '') not in ('ACTV', 'INAC') or (number = 1 and status <> 'ACTV')
    or before = 'INAC';

-- check: securities.companies_exist_before
-- A SEC record names a company, by CIK or name, that was announced before
select
    s.symbol,
    s.posted_at,
    s.company_reference
from securities as s
left join company_lives as c using (cik)
where c.cik is null or c.created_at > s.posted_at;

-- check: securities.companies_are_active
-- An active SEC record names a company that was active when the quarter began
select
    s.symbol,
    s.posted_at,
    c.cik,
    c.inactive_at
from securities as s
inner join company_lives as c using (cik)
where s.status = 'ACTV' and c.inactive_at < date_trunc('quarter', s.posted_at);

-- check: securities.fields
-- Symbol, name, shares, dates and dividend are filled and in range
select
    symbol,
    posted_at
from securities
where not coalesce(
    length(symbol) = 15 and name is not null and dividend >= 0
    and shares_out > 0 and first_trade <= posted_at
    and first_trade_on_exchange <= posted_at, false
);

-- check: financials.companies_exist_before
-- A FIN record names a company that was announced before and is not yet inactive
select
    f.company_reference,
    f.posted_at,
    c.inactive_at
from financials as f
left join company_lives as c using (cik)
where c.cik is null or c.created_at > f.posted_at or c.inactive_at < f.posted_at;

-- check: financials.one_per_company_and_quarter
-- A company has at most one FIN record a quarter
select
    cik,
    year,
    quarter,
    count(*) as records
from financials
group by all
having records > 1;

-- check: financials.quarter_is_that_of_posting
-- Year, quarter, first day of the quarter and posting date agree with the posting time
select
    cik,
    posted_at,
    year,
    quarter,
    quarter_start,
    posting_date
from financials
where
    year <> year(posted_at) or quarter <> quarter(posted_at)
    or quarter_start <> date_trunc('quarter', posted_at)
    or posting_date <> posted_at::date;

-- check: financials.fields
-- Amounts are not negative, shares positive, and dilution adds shares
select
    cik,
    posted_at
from financials
where not coalesce(
    revenue > 0 and earnings >= 0 and inventory >= 0 and assets >= 0
    and liabilities >= 0 and shares_out > 0 and diluted_shares_out >= shares_out, false
);
