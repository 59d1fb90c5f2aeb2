-- The prospects of a campaign, with name and address.
select
    prospects.agency_id,
    prospects.marketing_nameplate,
    prospects.last_name,
    prospects.first_name,
    prospects.address_line1,
    prospects.postal_code,
    prospects.city,
    prospects.state,
    prospects.country,
    prospects.phone,
    listed.is_listed,
    listed.listed_on,
    listed.is_customer
from marts.prospects as prospects
inner join marts.rpt_prospects as listed on prospects.agency_id = listed.agency_id
where
    ($state is null or prospects.state = $state)
    and (listed.is_listed or not $only_listed)
    and (not listed.is_customer or $with_customers)
    and (
        $nameplate is null
        or exists (
            select 1
            from marts.rpt_prospect_nameplates as tags
            where tags.agency_id = prospects.agency_id and tags.nameplate = $nameplate
        )
    )
order by prospects.agency_id
limit $most_rows
