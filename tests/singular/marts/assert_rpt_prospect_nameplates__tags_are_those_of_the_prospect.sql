-- What: the rows of a prospect are the tags of its nameplate in prospects, no more and no less.
-- Why: the two tables derive the tags from the vault in different ways, and must agree.
-- A returned row: a prospect with a tag that the other table does not have.
with

tags as (
    select
        agency_id,
        nameplate,
        count(*) over (partition by agency_id) as tag_count
    from {{ ref('rpt_prospect_nameplates') }}
),

prospects as (
    select
        agency_id,
        marketing_nameplate,
        length(marketing_nameplate) - length(replace(marketing_nameplate, '+', '')) + 1 as tag_count
    from {{ ref('prospects') }}
)

select
    prospects.agency_id,
    prospects.marketing_nameplate,
    tags.nameplate
from prospects
left join tags on prospects.agency_id = tags.agency_id
where
    prospects.tag_count is distinct from tags.tag_count
    or '+' || prospects.marketing_nameplate || '+' not like '%+' || tags.nameplate || '+%'
