-- What: the rows of the snapshot that have not ended are the prospects of the newest list, with their
--   current tags.
-- Why: the period of a prospect that left the list must end, and one that returns needs a new period;
--   the snapshot is the only table that is never rebuilt, so an error would stay.
-- A returned row: a prospect on one side only, or with other values than published.
with

published as (
    select
        agency_id,
        is_customer,
        marketing_nameplate,
        sk_update_date_id
    from {{ ref('prospects_published') }}
    where published_to is null
),

listed as (
    select
        agency_id,
        is_customer,
        marketing_nameplate,
        sk_update_date_id
    from {{ ref('prospects') }}
    where sk_record_date_id = (select max(prospects.sk_record_date_id) from {{ ref('prospects') }} as prospects)
),

only_published as (
    select * from published
    except
    select * from listed
),

only_listed as (
    select * from listed
    except
    select * from published
)

select
    'published, not listed' as place,
    only_published.*
from only_published
union all
select
    'listed, not published' as place,
    only_listed.*
from only_listed
