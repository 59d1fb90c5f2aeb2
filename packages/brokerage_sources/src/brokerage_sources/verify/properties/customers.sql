-- check: customer_actions.known_parts
-- Actions are of the six types, of one customer, and have known elements and attributes only
select
    position,
    action_type,
    c_id,
    unknown_parts
from customer_actions
where
    unknown_parts is not null or c_id is null or action_type is null
    or action_type not in ('NEW', 'ADDACCT', 'UPDCUST', 'UPDACCT', 'CLOSEACCT', 'INACT');

-- check: customer_actions.sorted_by_time
-- Actions are in order of time, up to the first batch date
select
    position,
    action_ts,
    lag(action_ts) over (order by position) as before
from customer_actions
qualify
    action_ts is null or action_ts < before
    or action_ts::date > (select min(batch_date) from batches);

-- check: customers.ids_are_dense
-- Customers are numbered from 0 in the order they are announced, across all batches
with announced as (
    select
        c_id,
        1 as batch_id,
        position
    from customer_actions
    where action_type = 'NEW'
    union all
    select
        c_id,
        batch_id,
        rowid
    from customers
    where cdc_flag = 'I'
)

select
    c_id,
    row_number() over (order by batch_id, position) - 1 as number
from announced
qualify c_id is distinct from number;

-- check: accounts.ids_are_dense
-- Accounts are numbered from 0 in the order they are announced, across all batches
with announced as (
    select
        ca_id,
        1 as batch_id,
        position
    from customer_actions
    where action_type in ('NEW', 'ADDACCT')
    union all
    select
        ca_id,
        batch_id,
        rowid
    from accounts
    where cdc_flag = 'I'
)

select
    ca_id,
    row_number() over (order by batch_id, position) - 1 as number
from announced
qualify ca_id is distinct from number;

-- check: customers.exist_before_their_actions
-- A customer's first action is NEW
with created as (
    from customer_actions
    where action_type = 'NEW'
)

select
    a.position,
    a.action_type,
    a.c_id
from customer_actions as a
left join created on a.c_id = created.c_id
where created.c_id is null or created.position > a.position;

-- check: customers.nothing_after_inactivation
-- No UPDCUST, ADDACCT or second INACT follows a customer's INACT
with inactivated as (
    from customer_actions
    where action_type = 'INACT'
)

select
    a.position,
    a.action_type,
    a.c_id
from customer_actions as a
inner join inactivated on a.c_id = inactivated.c_id
where a.position > inactivated.position and a.action_type in ('UPDCUST', 'ADDACCT', 'INACT');

-- check: accounts.exist_before_their_actions
-- An account is opened before it is changed or closed, and its owner never changes
with opened as (
    select
        ca_id,
        c_id,
        position
    from customer_actions
    where action_type in ('NEW', 'ADDACCT')
)

select
    a.position,
    a.action_type,
    a.ca_id,
    a.c_id,
    opened.c_id as owner
from customer_actions as a
left join opened on a.ca_id = opened.ca_id
where
    a.ca_id is not null
    and not coalesce(opened.position <= a.position and opened.c_id = a.c_id, false);

-- check: accounts.nothing_after_closing
-- Nothing happens to an account after its CLOSEACCT
with closed as (
    from customer_actions
    where action_type = 'CLOSEACCT'
)

select
    a.position,
    a.action_type,
    a.ca_id
from customer_actions as a
inner join closed on a.ca_id = closed.ca_id
where a.position > closed.position;

-- check: customers.later_rows_are_known_or_new
-- A customer is inserted once, active, and updated only while known and not inactive
select
    c.batch_id,
    c.cdc_flag,
    c.c_id,
    c.c_st_id
from customers as c
left join customer_births as b on c.c_id = b.c_id and c.batch_id > b.batch_id
left join customer_ends as e on c.c_id = e.c_id and c.batch_id > e.batch_id
where
    (c.cdc_flag = 'I' and (b.c_id is not null or c.c_st_id <> 'ACTV'))
    or (c.cdc_flag = 'U' and (b.c_id is null or e.c_id is not null))
    or coalesce(c.c_st_id, '') not in ('ACTV', 'INAC');

-- check: customers.one_row_per_batch
-- A customer has at most one row in a later batch
select
    batch_id,
    c_id,
    count(*) as times
from customers
group by all
having times > 1;

-- check: customers.updates_keep_who_it_is
-- An update leaves tax number, names, gender and tax rates as they were announced
select
    c.batch_id,
    c.c_id
from customers as c
inner join customer_births as b using (c_id)
where
    c.cdc_flag = 'U' and b.batch_id < c.batch_id
    and (
        c.c_tax_id, c.c_l_name, c.c_f_name, c.c_m_name, c.c_gndr, c.c_lcl_tx_id,
        c.c_nat_tx_id
    )
    is distinct from (
        b.c_tax_id, b.c_l_name, b.c_f_name, b.c_m_name, b.c_gndr,
        b.c_lcl_tx_id, b.c_nat_tx_id
    );

-- check: customers.new_ones_bring_an_account
-- A customer inserted in a later batch has an account inserted in the same batch
select
    c.batch_id,
    c.c_id
from customers as c
anti join accounts as a
    on c.batch_id = a.batch_id and c.c_id = a.ca_c_id and a.cdc_flag = 'I'
where c.cdc_flag = 'I';

-- check: accounts.later_rows_are_known_or_new
-- An account is inserted once, active, for a known customer, and updated by its owner until closed
select
    a.batch_id,
    a.cdc_flag,
    a.ca_id,
    a.ca_c_id,
    b.c_id as owner
from accounts as a
left join account_births as b on a.ca_id = b.ca_id and a.batch_id > b.batch_id
left join account_ends as e on a.ca_id = e.ca_id and a.batch_id > e.batch_id
where
    (a.cdc_flag = 'I' and (b.ca_id is not null or a.ca_st_id <> 'ACTV'))
    or (a.cdc_flag = 'U' and (b.c_id is distinct from a.ca_c_id or e.ca_id is not null))
    or coalesce(a.ca_st_id, '') not in ('ACTV', 'INAC')
    or not exists (
        from customer_births as c
        where c.c_id = a.ca_c_id and c.batch_id <= a.batch_id
    );

-- check: accounts.one_row_per_batch
-- An account has at most one row in a later batch
select
    batch_id,
    ca_id,
    count(*) as times
from accounts
group by all
having times > 1;

-- check: accounts.brokers_exist
-- The broker of an account is an employee with job code 314
with given as (
    select
        ca_id,
        ca_b_id
    from customer_actions
    where ca_b_id is not null
    union all
    select
        ca_id,
        ca_b_id
    from accounts
)

from given
where
    ca_b_id is null
    or ca_b_id not in (
        select employee_id from employees
        where employee_job_code = 314
    );

-- check: accounts.tax_status
-- The tax status of an account is 0, 1 or 2
with given as (
    select
        ca_id,
        ca_tax_st
    from customer_actions
    union all
    select
        ca_id,
        ca_tax_st
    from accounts
)

from given
where ca_tax_st not in ('0', '1', '2');

-- check: customers.tax_rates_exist
-- Local and national tax rate of a customer are listed
select
    c_id,
    c_lcl_tx_id,
    c_nat_tx_id
from customer_births
where
    coalesce(c_lcl_tx_id, '') not in (select tx_id from tax_rates)
    or coalesce(c_nat_tx_id, '') not in (select tx_id from tax_rates);

-- check: customers.tax_numbers_are_unique
-- No two customers share a tax number
select
    c_tax_id,
    count(*) as times
from customer_births
group by all
having times > 1;
