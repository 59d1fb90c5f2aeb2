"""The prospect list: a full dump in every batch."""

from __future__ import annotations

from brokerage_sources.verify.check import Check, NoRows
from brokerage_sources.verify.reading import FEEDS

_COLUMNS = next(feed.columns for feed in FEEDS if feed.table == "prospects")

# One row per prospect and dump after the first: how it came out against the dump before.
_CHURN = f"""
    with dumps as (
        select batch_id, agency_id, row({", ".join(_COLUMNS)}) as record,
            row(last_name, first_name, address_line_1, address_line_2, postal_code) as identity
        from prospects
    )
    select coalesce(new.batch_id, old.batch_id + 1) as batch_id,
        coalesce(new.agency_id, old.agency_id) as agency_id,
        case when old.agency_id is null then 'came' when new.agency_id is null then 'went'
            when new.record is distinct from old.record then 'changed' else 'same' end as fate,
        fate = 'changed' and new.identity is distinct from old.identity as is_another_person
    from dumps new
    full join dumps old on old.agency_id = new.agency_id and old.batch_id = new.batch_id - 1
    where coalesce(new.batch_id, old.batch_id + 1)
        between 2 and (select max(batch_id) from batches)
"""

CHECKS: list[Check] = [
    NoRows(
        "prospects.ids_are_unique",
        "An AgencyID, letters of the last name and then a number, occurs once in a dump",
        """
        select batch_id, agency_id, last_name from prospects
        qualify agency_id is null
            or not regexp_full_match(agency_id, '\\D*\\d+')
            or not starts_with(upper(last_name), upper(regexp_extract(agency_id, '^\\D*')))
            or count(*) over (
                partition by batch_id, regexp_extract(agency_id, '(\\d+)$', 1)
            ) > 1
        """,
    ),
    NoRows(
        "prospects.sorted_by_number",
        "A dump is sorted by the number in the AgencyID",
        """
        select batch_id, agency_id, regexp_extract(agency_id, '(\\d+)$', 1)::bigint as number,
            lag(number) over (partition by batch_id order by rowid) as before
        from prospects qualify number <= before
        """,
    ),
    NoRows(
        "prospects.churn_is_small",
        "From one dump to the next at most a tenth of the prospects come, go or change",
        f"""
        from ({_CHURN})
        select batch_id, count(*) filter (fate <> 'same') as churned, count(*) as total
        group by batch_id having churned * 10 > total
        """,
    ),
    NoRows(
        "prospects.changed_rows_keep_their_person",
        "A changed prospect keeps name and address",
        f"select batch_id, agency_id from ({_CHURN}) where is_another_person",
    ),
    NoRows(
        "prospects.gone_for_good",
        "A prospect that went does not come back, and one that comes has a number never used "
        "before",
        """
        with numbered as (
            select batch_id, regexp_extract(agency_id, '(\\d+)$', 1)::bigint as number
            from prospects
        )
        select number, min(batch_id) as first_batch, max(batch_id) as last_batch,
            count(distinct batch_id) as dumps
        from numbered group by number
        having last_batch - first_batch + 1 <> dumps
            or (first_batch > 1
                and number < (select max(number) from numbered where batch_id = 1))
        """,
    ),
    NoRows(
        "prospects.one_per_person",
        "No two prospects of a dump share name and address, in any case",
        """
        select batch_id, upper(last_name), upper(first_name), upper(address_line_1),
            upper(address_line_2), upper(postal_code), count(*) as times
        from prospects group by all having times > 1
        """,
    ),
    NoRows(
        "prospects.fields",
        "Names, city and state are given; numbers are in range; codes are the listed ones",
        """
        select batch_id, agency_id from prospects
        where last_name is null or first_name is null or city is null or state is null
            or income not between 0 and 500000 or number_cars not between 0 and 5
            or number_children not between 0 and 5 or number_credit_cards not between 0 and 10
            or age not between 0 and 100 or credit_rating not between 300 and 850
            or net_worth not between 10000 and 4000000
            or marital_status not in ('S', 'M', 'D', 'W', 'U')
            or own_or_rent_flag not in ('O', 'R', 'U')
        """,
    ),
]
