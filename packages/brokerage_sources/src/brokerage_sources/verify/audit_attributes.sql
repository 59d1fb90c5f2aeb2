-- check: audit.batch_days
-- BatchN_audit.csv gives the first and last day of its batch (from the calendar's first day in batch 1)
with stated as (
    select
        regexp_extract(file, '^Batch(\d+)$', 1)::integer as batch_id,
        attribute,
        day
    from audit
    where regexp_full_match(file, 'Batch\d+')
),

true_days as (
    select
        batch_id,
        'FirstDay' as attribute,
        first_day as day
    from batches
    union all
    select
        batch_id,
        'LastDay' as attribute,
        batch_date as day
    from batches
)

select
    coalesce(s.batch_id, t.batch_id) as batch_id,
    coalesce(s.attribute, t.attribute) as attribute,
    s.day as found,
    t.day as expected
from stated as s
full join true_days as t using (batch_id, attribute)
where s.day is distinct from t.day;

-- check: audit.no_repeated_row
-- An audit file has one row per attribute
select
    file,
    dataset,
    attribute,
    count(*) as times
from audit
where dataset <> 'Generator'
group by all
having count(*) > 1;

-- check: audit.data_sets
-- The thirteen data sets that the workload's audit asks for are there
select wanted.dataset from (
    values
    ('Batch'), ('DimAccount'), ('DimBroker'), ('DimCompany'), ('DimCustomer'),
    ('DimSecurity'), ('DimTrade'), ('FactHoldings'), ('FactMarketHistory'),
    ('FactWatches'), ('Financial'), ('Generator'), ('Prospect')
) as wanted (dataset)
anti join audit using (dataset);
