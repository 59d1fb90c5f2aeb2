-- check: warehouse.owner_changes_reach_accounts
-- In each later batch a customer changes of whom an account does not, so that a cascade is needed
select batch_id from batches
where batch_id > 1 and not exists (
    from customers as c
    inner join account_births as o on c.c_id = o.c_id and c.batch_id > o.batch_id
    anti join accounts as a on o.ca_id = a.ca_id and c.batch_id = a.batch_id
    where c.batch_id = batches.batch_id and c.cdc_flag = 'U'
);

-- check: warehouse.local_tax_names
-- Customers use more than 300 differently named local tax rates
select count(distinct tx_name) as names
from customer_births
inner join tax_rates on tx_id = c_lcl_tx_id
having names <= 300;

-- check: warehouse.national_tax_names
-- Customers use at least 9 differently named national tax rates
select count(distinct tx_name) as names
from customer_births
inner join tax_rates on tx_id = c_nat_tx_id
having names < 9;

-- check: warehouse.one_prospect_per_customer
-- Name and address, run together as the audit does, find at most one prospect of a dump
select
    batch_id,
    upper(concat(
        first_name, last_name, address_line_1, address_line_2,
        postal_code
    )) as person,
    count(*) as prospects
from prospects
group by all
having prospects > 1;

-- check: warehouse.exchanges_and_issues
-- Exchange and issue type of a security are among the listed ones
select
    symbol,
    posted_at,
    exchange_id,
    issue_type
from securities
where not coalesce(
    exchange_id in ('NYSE', 'NASDAQ', 'AMEX', 'PCX')
    and issue_type in ('COMMON', 'PREF_A', 'PREF_B', 'PREF_C', 'PREF_D'), false
);

-- check: warehouse.records_in_first_window
-- FINWIRE records fall between the first and the last day of the first batch
with first_batch as (
    from batches
    where batch_id = 1
)

select
    file,
    strptime(line[1:8], '%Y%m%d')::date as day
from finwire_lines
cross join first_batch
where day not between first_day and batch_date;

-- check: warehouse.earnings_ratios
-- Earnings by shares, by diluted shares and by revenue come within 0.4 of the stated ratios
select
    cik,
    posted_at
from financials
where
    abs(round(earnings::double / shares_out, 2) - eps) > 0.4
    or abs(round(earnings::double / diluted_shares_out, 2) - diluted_eps) > 0.4
    or abs(round(earnings::double / revenue, 2) - margin) > 0.4;

-- check: warehouse.names_fit
-- No text is longer than the warehouse's column for it
with people as (
    select
        c_id,
        c_l_name,
        c_f_name,
        c_m_name,
        c_adline1,
        c_zipcode,
        c_city,
        c_state_prov,
        c_ctry,
        c_email_1,
        c_email_2
    from customer_actions
    union all
    select
        c_id,
        c_l_name,
        c_f_name,
        c_m_name,
        c_adline1,
        c_zipcode,
        c_city,
        c_state_prov,
        c_ctry,
        c_email_1,
        c_email_2
    from customers
)

select
    'customer' as of,
    c_id as key
from people
where
    length(c_l_name) > 25 or length(c_f_name) > 20 or length(c_m_name) > 1
    or length(c_adline1) > 80 or length(c_zipcode) > 12 or length(c_city) > 25
    or length(c_state_prov) > 20 or length(c_ctry) > 24 or length(c_email_1) > 50
    or length(c_email_2) > 50
union all
select
    'prospect' as of,
    rowid as key
from prospects
where
    length(last_name) > 30 or length(first_name) > 30 or length(middle_initial) > 1
    or length(gender) > 1 or length(address_line_1) > 80 or length(postal_code) > 12
    or length(city) > 25 or length(state) > 20 or length(country) > 24
    or length(employer) > 30
union all
select
    'account' as of,
    ca_id as key
from customer_actions
where length(ca_name) > 50
union all
select
    'employee' as of,
    employee_id as key
from employees
where
    length(employee_first_name) > 30 or length(employee_last_name) > 30
    or length(employee_branch) > 30;
