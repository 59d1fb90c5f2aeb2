-- How many prospects a campaign reaches.
select count(*) as prospect_count
from marts.rpt_prospects as prospects
where
    ($state is null or prospects.state = $state)
    and (prospects.is_listed or not $only_listed)
    and (not prospects.is_customer or $with_customers)
    and (
        $nameplate is null
        or exists (
            select 1
            from marts.rpt_prospect_nameplates as tags
            where tags.agency_id = prospects.agency_id and tags.nameplate = $nameplate
        )
    )
