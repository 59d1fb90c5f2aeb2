"""What holds for files of any kind: their presence, batch dates, change-data-capture columns."""

from __future__ import annotations

from brokerage_sources.verify.check import Check, NoRows
from brokerage_sources.verify.reading import FEEDS

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
    NoRows(
        "files.audit_file_beside_each",
        "Every data file but BatchDate.txt has its audit file, and every audit file its data file",
        """
        select coalesce(s.file, a.file) as file,
            s.file is not null as has_data, a.file is not null as has_audit
        from (from source_files where name <> 'BatchDate') s
        full join (from audit_files where file like '%/%') a on a.file = s.file
        where s.file is null or a.file is null
        """,
    ),
    NoRows(
        "files.audit_header",
        "Every audit file starts with the workload's header line, blanks included",
        """
        select file, header from audit_files
        where header <> 'DataSet, BatchID ,Date , Attribute , Value, DValue'
        """,
    ),
    NoRows(
        "files.plain_text",
        "Files are ASCII, every record ends with CRLF, the last one too (but for the XML's "
        "root tag)",
        """
        select file, ascii, lines, crlf_lines, ends_with_crlf from file_bytes
        where not ascii or lines <> crlf_lines
            or (not ends_with_crlf and file not like '%.xml')
        """,
    ),
    NoRows(
        "files.batch_dates",
        "Each batch has one date, one day after that of the batch before",
        """
        select batch_id, batch_date, lag(batch_date) over (order by batch_id, rowid) as before
        from batch_dates
        qualify (before is not null and batch_date <> before + 1)
            or count(*) over (partition by batch_id) <> 1
        """,
    ),
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
