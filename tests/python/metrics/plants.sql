-- What a careless join would count twice, planted into a copy of a warehouse: no figure may change by it.

-- Today's version of each customer and account ends on the last day; another one with the same values begins.
create temporary table today as select max(date_value) as day from marts.dim_date where sk_date_id <= (
    select max(sk_create_date_id) from marts.dim_trade
);

create temporary table customers as
select *
replace (uuid() as sk_customer_id, (select day from today) as effective_date)
from marts.dim_customer where is_current and customer_id <> -1 and effective_date < (select day from today);

create temporary table accounts as
select *
replace (uuid() as sk_account_id, (select day from today) as effective_date)
from marts.dim_account where is_current and effective_date < (select day from today);

update marts.dim_customer set end_date = (select day from today), is_current = false
where is_current and customer_id in (select customer_id from customers) and effective_date < (select day from today);
update marts.dim_account set end_date = (select day from today), is_current = false
where is_current and account_id in (select account_id from accounts) and effective_date < (select day from today);
insert into marts.dim_customer select * from customers;
insert into marts.dim_account
select accounts.* replace (coalesce(customers.sk_customer_id, accounts.sk_customer_id) as sk_customer_id)
from accounts
left join marts.dim_customer as before on accounts.sk_customer_id = before.sk_customer_id
left join customers on before.customer_id = customers.customer_id;

-- One more version of each security, and of each company.
insert into marts.dim_security
select * replace (uuid() as sk_security_id, false as is_current, date '1900-01-01' as effective_date, date '1900-01-02' as end_date)
from marts.dim_security where is_current;
insert into marts.dim_company
select * replace (uuid() as sk_company_id, false as is_current, date '1900-01-01' as effective_date, date '1900-01-02' as end_date)
from marts.dim_company where is_current;

-- One more account of a customer who has some: an active one, with nothing in it.
insert into marts.dim_account
select * replace (uuid() as sk_account_id, 1000000000 as account_id, 'Active' as status)
from marts.dim_account where is_current order by account_id limit 1;

-- Trades that closed several holdings; a kind of order that is listed twice; several tags of a prospect.
insert into marts.fct_holdings
select * replace (-trade_id as trade_id) from marts.fct_holdings;
insert into marts.trade_types select * replace ('X' || tt_id as tt_id) from marts.trade_types;
insert into marts.rpt_prospect_nameplates
select * replace (nameplate || '2' as nameplate) from marts.rpt_prospect_nameplates;

-- Findings: these do change figures, those of the quality of data.
insert into quality.load_log
select * replace ('failed' as status, 'Batch1/Broken.txt' as record_source, null as rows_read, null as rows_landed, null as rows_quarantined)
from quality.load_log where feed = 'trade' and batch_id = 1;
update quality.load_log set rows_quarantined = 1 where record_source = 'Batch1/Trade.txt';
insert into quality.quarantined_rows (batch_id, system, feed, record_source, source_row, reason, raw_text, loaded_at)
select batch_id, system, feed, record_source, 1, 'planted', '', loaded_at from quality.load_log where record_source = 'Batch1/Trade.txt';
insert into quality.rejected_rows (batch_id, record_source, source_row, model_name, business_key, reason, raw_text)
values (1, 'Batch1/Trade.txt', 1, 'dim_trade', '', 'planted', ''), (3, 'Batch3/Trade.txt', 1, 'dim_trade', '', 'planted', '');
update quality.audit_results set result = 'planted' where batch_id is null and check_number = (
    select min(check_number) from quality.audit_results where batch_id is null
) and check_name = (select min(check_name) from quality.audit_results where batch_id is null and check_number = (
    select min(check_number) from quality.audit_results where batch_id is null
));
