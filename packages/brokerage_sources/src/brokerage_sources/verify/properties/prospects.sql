-- check: prospects.ids_are_unique
-- An AgencyID, letters of the last name and then a number, occurs once in a dump
select
    batch_id,
    agency_id,
    last_name
from prospects
qualify
    agency_id is null
    or not regexp_full_match(agency_id, '\D*\d+')
    or not starts_with(upper(last_name), upper(regexp_extract(agency_id, '^\D*')))
    or count(*) over (
        partition by batch_id, regexp_extract(agency_id, '(\d+)$', 1)
    ) > 1;

-- check: prospects.sorted_by_number
-- A dump is sorted by the number in the AgencyID
select
    batch_id,
    agency_id,
    regexp_extract(agency_id, '(\d+)$', 1)::bigint as number,
    lag(number) over (partition by batch_id order by rowid) as before
from prospects
qualify number <= before;

-- check: prospects.gone_for_good
-- A prospect that went does not come back, and one that comes has a number never used before
with numbered as (
    select
        batch_id,
        regexp_extract(agency_id, '(\d+)$', 1)::bigint as number
    from prospects
)

select
    number,
    min(batch_id) as first_batch,
    max(batch_id) as last_batch,
    count(distinct batch_id) as dumps
from numbered
group by number
having
    last_batch - first_batch + 1 <> dumps
    or (
        first_batch > 1
        and number < (
            select max(earlier.number) from numbered as earlier
            where earlier.batch_id = 1
        )
    );

-- check: prospects.one_per_person
-- No two prospects of a dump share name and address, in any case
select
    batch_id,
    upper(last_name) as last_name,
    upper(first_name) as first_name,
    upper(address_line_1) as address_line_1,
    upper(address_line_2) as address_line_2,
    upper(postal_code) as postal_code,
    count(*) as times
from prospects
group by all
having times > 1;

-- check: prospects.fields
-- Names, city and state are given; numbers are in range; codes are the listed ones
select
    batch_id,
    agency_id
from prospects
where
    last_name is null or first_name is null or city is null or state is null
    or income not between 0 and 500000 or number_cars not between 0 and 5
    or number_children not between 0 and 5 or number_credit_cards not between 0 and 10
    or age not between 0 and 100 or credit_rating not between 300 and 850
    or net_worth not between 10000 and 4000000
    or marital_status not in ('S', 'M', 'D', 'W', 'U')
    or own_or_rent_flag not in ('O', 'R', 'U');
