-- Prospects, as the list has them. {group}: over the columns of the table.
select
    {group} as grouped,
    count(*) as known_prospects,
    count(*) filter (where is_customer) as prospects_converted,
    avg(case when is_customer then 1.0 else 0.0 end) as prospect_conversion_rate
from marts.prospects
group by 1
