-- check: reference.calendar_has_no_gap
-- Date.txt has one row per day, in order, and covers every batch date
select
    date_value,
    lag(date_value) over (order by rowid) as before
from dates
qualify date_value <> before + 1
union all
select
    batch_date,
    null as before
from batch_dates
anti join dates on date_value = batch_date;

-- check: reference.calendar_fields
-- Key, year, month, weekday and their texts belong to the date
select
    sk_date_id,
    date_value
from dates
where
    sk_date_id <> strftime(date_value, '%Y%m%d')::bigint
    or year_id <> year(date_value)
    or day_of_week_num <> isodow(date_value)
    or month_id <> concat(year_id, month(date_value))::integer
    or quarter_id <> concat(year_id, quarter(date_value))::integer
    or left(day_of_week_desc, 3) <> left(dayname(date_value), 3);

-- check: reference.clock_has_no_gap
-- Time.txt has one row per second of a day, in order, with its hour, minute and second
select
    sk_time_id,
    time_value,
    rowid
from times
where
    epoch(time_value) <> rowid
    or sk_time_id <> replace(time_value::varchar, ':', '')::bigint
    or hour_id <> hour(time_value) or minute_id <> minute(time_value)
    or second_id <> second(time_value)
union all
select
    null as sk_time_id,
    null as time_value,
    count(*) as rowid
from times
having count(*) <> 86400;

-- check: reference.opening_hours
-- Market hours are 09:30 to 16:00 and office hours 08:00 to 17:00, both ends included
select
    time_value,
    market_hours_flag,
    office_hours_flag
from times
where
    market_hours_flag <> (time_value between time '09:30:00' and time '16:00:00')
    or office_hours_flag <> (time_value between time '08:00:00' and time '17:00:00');

-- check: reference.status_types
-- StatusType.txt has the six states
from status_types
full join (
    values
    ('ACTV', 'Active'), ('CMPT', 'Completed'), ('CNCL', 'Canceled'),
    ('PNDG', 'Pending'), ('SBMT', 'Submitted'), ('INAC', 'Inactive')
) as wanted (st_id, name) using (st_id)
where st_name is distinct from name;

-- check: reference.trade_types
-- TradeType.txt has the five types with their sell and market flags
from trade_types
full join (
    values
    ('TMB', 0, 1), ('TMS', 1, 1), ('TSL', 1, 1), ('TLS', 1, 0), ('TLB', 0, 0)
) as wanted (tt_id, is_sell, is_market) using (tt_id)
where tt_is_sell is distinct from is_sell or tt_is_mrkt is distinct from is_market;

-- check: reference.codes_are_unique
-- No code of a tax rate, industry, state or trade type is listed twice
with codes as (
    select
        'tax rate' as list,
        tx_id as code
    from tax_rates
    union all
    select
        'industry' as list,
        in_id as code
    from industries
    union all
    select
        'state' as list,
        st_id as code
    from status_types
    union all
    select
        'trade type' as list,
        tt_id as code
    from trade_types
)

select
    list,
    code,
    count(*) as times
from codes
group by all
having times > 1 or code is null;

-- check: reference.tax_rates_are_shares
-- A tax rate lies between 0 and 1, and name and rate together are unique
select
    tx_id,
    tx_name,
    tx_rate
from tax_rates
qualify
    tx_rate not between 0 and 1
    or count(*) over (partition by tx_name, tx_rate) > 1;

-- check: employees.ids_are_dense
-- EmployeeIDs count up from 0 in file order
select
    employee_id,
    rowid
from employees
where employee_id is distinct from rowid;

-- check: employees.managers_exist
-- Every manager is an employee
select
    e.employee_id,
    e.manager_id
from employees as e
anti join employees as m on e.manager_id = m.employee_id;

-- check: employees.fields
-- Names are given; phones look like (ddd) ddd-dddd and offices like OFFICEdddd
select
    employee_id,
    employee_phone,
    employee_office
from employees
where
    employee_first_name is null or employee_last_name is null
    or not regexp_full_match(employee_phone, '\(\d{3}\) \d{3}-\d{4}')
    or not regexp_full_match(employee_office, 'OFFICE\d{4}');
