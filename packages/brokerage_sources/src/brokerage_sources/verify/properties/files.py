"""What holds for files of any kind: their presence, batch dates, change-data-capture columns."""

from __future__ import annotations

from brokerage_sources.verify.check import Check, NoRows
from brokerage_sources.verify.reading import FEEDS
from brokerage_sources.verify.sql_file import read_checks

_CDC_TABLES = [feed.table for feed in FEEDS if feed.later == "cdc"]
_INSERT_ONLY_TABLES = [
    table for table in _CDC_TABLES if table not in ("customers", "accounts", "trades")
]


def _union(tables: list[str], columns: str, condition: str) -> str:
    return " union all ".join(
        f"select '{table}' as table_name, {columns} from {table} where {condition}"
        for table in tables
    )


CHECKS: list[Check] = [
    *read_checks("properties/files.sql"),
    NoRows(
        "files.cdc_flags",
        "Rows of later batches carry the flag I or U; events are only inserted",
        f"""
        from ({_union(_CDC_TABLES, "batch_id, cdc_flag", "batch_id > 1")})
        where cdc_flag is null or cdc_flag not in ('I', 'U')
            or (cdc_flag <> 'I' and table_name in {tuple(_INSERT_ONLY_TABLES)})
        """,
    ),
    NoRows(
        "files.cdc_numbers_ascend",
        "CDC_DSN ascends strictly within a file",
        f"""
        from ({_union(_CDC_TABLES, "batch_id, cdc_dsn, rowid as position", "batch_id > 1")})
        select *, lag(cdc_dsn) over (partition by table_name, batch_id order by position) as before
        qualify cdc_dsn is null or cdc_dsn <= before
        """,
    ),
]
