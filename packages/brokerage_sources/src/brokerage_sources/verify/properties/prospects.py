"""The prospect list: a full dump in every batch."""

from __future__ import annotations

from brokerage_sources.verify.check import Check, NoRows
from brokerage_sources.verify.reading import FEEDS
from brokerage_sources.verify.sql_file import read_checks

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
    *read_checks("properties/prospects.sql"),
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
]
