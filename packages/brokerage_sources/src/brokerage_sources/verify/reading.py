"""Load a folder of source files into DuckDB tables, one per kind of file, batches together.

Every table has a `batch_id`, keeps the file's row order in `rowid`, and holds NULL for an empty
field. Column names are those of the workload, in lower case. Tables live in a temporary database
file, so that memory stays bounded.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
from lxml import etree

from brokerage_sources.verify.customer_management import load_customer_actions

CDC_COLUMNS = {"cdc_flag": "varchar", "cdc_dsn": "bigint"}


class SourceFolderError(Exception):
    """The folder cannot be verified at all: it, or a file in it, is missing or unreadable."""


@dataclass(frozen=True)
class Feed:
    """How one kind of delimited file is read.

    `later` says what batches after the first hold: nothing, the same columns, or the same columns
    after the two change-data-capture columns. `first` is false for files that only later batches
    have. `stored` replaces columns that only matter by a derived value (long free text by its
    length).
    """

    table: str
    file: str
    columns: dict[str, str]
    later: str = "nothing"
    first: bool = True
    delimiter: str = "|"
    quote: str = ""
    stored: dict[str, str] = field(default_factory=dict)

    def in_batch(self, batch_id: int) -> bool:
        """Whether this batch has the file."""
        return self.first if batch_id == 1 else self.later != "nothing"

    def columns_in(self, batch_id: int) -> dict[str, str]:
        """Names and types of the columns as this batch's file has them."""
        with_cdc = self.later == "cdc" and batch_id > 1
        return (CDC_COLUMNS | self.columns) if with_cdc else self.columns


def _columns(text: str) -> dict[str, str]:
    """Turn `a bigint, b decimal(8,2)` into a mapping from name to type."""
    parts = re.split(r",\s*(?![^(]*\))", " ".join(text.split()))
    return dict(part.split(" ", 1) for part in parts)


FEEDS = (
    Feed("batch_dates", "BatchDate.txt", _columns("batch_date date"), later="same"),
    Feed(
        "dates",
        "Date.txt",
        _columns(
            """sk_date_id bigint, date_value date, date_desc varchar, year_id integer,
            year_desc varchar, quarter_id integer, quarter_desc varchar, month_id integer,
            month_desc varchar, week_id integer, week_desc varchar, day_of_week_num integer,
            day_of_week_desc varchar, fiscal_year_id integer, fiscal_year_desc varchar,
            fiscal_quarter_id integer, fiscal_quarter_desc varchar, holiday_flag boolean"""
        ),
    ),
    Feed(
        "times",
        "Time.txt",
        _columns(
            """sk_time_id bigint, time_value time, hour_id integer, hour_desc varchar,
            minute_id integer, minute_desc varchar, second_id integer, second_desc varchar,
            market_hours_flag boolean, office_hours_flag boolean"""
        ),
    ),
    Feed("status_types", "StatusType.txt", _columns("st_id varchar, st_name varchar")),
    Feed(
        "trade_types",
        "TradeType.txt",
        _columns("tt_id varchar, tt_name varchar, tt_is_sell integer, tt_is_mrkt integer"),
    ),
    Feed(
        "tax_rates",
        "TaxRate.txt",
        _columns("tx_id varchar, tx_name varchar, tx_rate decimal(6,5)"),
    ),
    Feed(
        "industries",
        "Industry.txt",
        _columns("in_id varchar, in_name varchar, in_sc_id varchar"),
    ),
    Feed(
        "employees",
        "HR.csv",
        _columns(
            """employee_id bigint, manager_id bigint, employee_first_name varchar,
            employee_last_name varchar, employee_mi varchar, employee_job_code integer,
            employee_branch varchar, employee_office varchar, employee_phone varchar"""
        ),
        delimiter=",",
    ),
    Feed(
        "prospects",
        "Prospect.csv",
        _columns(
            """agency_id varchar, last_name varchar, first_name varchar, middle_initial varchar,
            gender varchar, address_line_1 varchar, address_line_2 varchar, postal_code varchar,
            city varchar, state varchar, country varchar, phone varchar, income bigint,
            number_cars integer, number_children integer, marital_status varchar, age integer,
            credit_rating integer, own_or_rent_flag varchar, employer varchar,
            number_credit_cards integer, net_worth bigint"""
        ),
        later="same",
        delimiter=",",
        quote='"',
    ),
    Feed(
        "customers",
        "Customer.txt",
        _columns(
            """c_id bigint, c_tax_id varchar, c_st_id varchar, c_l_name varchar,
            c_f_name varchar, c_m_name varchar, c_gndr varchar, c_tier varchar, c_dob date,
            c_adline1 varchar, c_adline2 varchar, c_zipcode varchar, c_city varchar,
            c_state_prov varchar, c_ctry varchar,
            c_ctry_1 varchar, c_area_1 varchar, c_local_1 varchar, c_ext_1 varchar,
            c_ctry_2 varchar, c_area_2 varchar, c_local_2 varchar, c_ext_2 varchar,
            c_ctry_3 varchar, c_area_3 varchar, c_local_3 varchar, c_ext_3 varchar,
            c_email_1 varchar, c_email_2 varchar, c_lcl_tx_id varchar, c_nat_tx_id varchar"""
        ),
        later="cdc",
        first=False,
    ),
    Feed(
        "accounts",
        "Account.txt",
        _columns(
            """ca_id bigint, ca_b_id bigint, ca_c_id bigint, ca_name varchar,
            ca_tax_st varchar, ca_st_id varchar"""
        ),
        later="cdc",
        first=False,
    ),
    Feed(
        "trades",
        "Trade.txt",
        _columns(
            """t_id bigint, t_dts timestamp, t_st_id varchar, t_tt_id varchar,
            t_is_cash integer, t_s_symb varchar, t_qty integer, t_bid_price decimal(8,2),
            t_ca_id bigint, t_exec_name varchar, t_trade_price decimal(8,2),
            t_chrg decimal(10,2), t_comm decimal(10,2), t_tax decimal(10,2)"""
        ),
        later="cdc",
    ),
    Feed(
        "trade_history",
        "TradeHistory.txt",
        _columns("th_t_id bigint, th_dts timestamp, th_st_id varchar"),
    ),
    Feed(
        "cash_transactions",
        "CashTransaction.txt",
        _columns("ct_ca_id bigint, ct_dts timestamp, ct_amt decimal(10,2), ct_name varchar"),
        later="cdc",
        stored={"ct_name": "length(ct_name)::smallint as ct_name_length"},
    ),
    Feed(
        "holding_history",
        "HoldingHistory.txt",
        _columns("hh_h_t_id bigint, hh_t_id bigint, hh_before_qty integer, hh_after_qty integer"),
        later="cdc",
    ),
    Feed(
        "daily_market",
        "DailyMarket.txt",
        _columns(
            """dm_date date, dm_s_symb varchar, dm_close decimal(8,2), dm_high decimal(8,2),
            dm_low decimal(8,2), dm_vol bigint"""
        ),
        later="cdc",
    ),
    Feed(
        "watch_history",
        "WatchHistory.txt",
        _columns("w_c_id bigint, w_s_symb varchar, w_dts timestamp, w_action varchar"),
        later="cdc",
    ),
)


_SOURCE_FILES = pa.schema({"file": pa.string(), "batch_id": pa.int32(), "name": pa.string()})
_AUDIT_FILES = pa.schema({"file": pa.string(), "header": pa.string()})
_FILE_BYTES = pa.schema(
    {
        "file": pa.string(),
        "ascii": pa.bool_(),
        "lines": pa.int64(),
        "crlf_lines": pa.int64(),
        "ends_with_crlf": pa.bool_(),
    }
)


@contextmanager
def loaded_sources(
    folder: Path, memory_limit: str = "1GB", threads: int = 2
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Load `folder` into a temporary database, which is removed afterwards.

    Raises `SourceFolderError` when the folder has no `Batch1`, a batch lacks a file, or a file
    cannot be read by its format; the message names the file. Raises `ValueError` when the memory
    limit is no size.
    """
    batch_ids = find_batches(folder)
    with tempfile.TemporaryDirectory(prefix="verify_sources_") as scratch:
        try:
            connection = duckdb.connect(
                str(Path(scratch) / "sources.duckdb"),
                config={"memory_limit": memory_limit, "threads": threads},
            )
        except duckdb.Error as error:
            raise ValueError(f"memory limit {memory_limit!r}: {error}") from error
        connection.execute("set enable_progress_bar = false")
        try:
            for feed in FEEDS:
                _load_feed(connection, folder, batch_ids, feed)
            _load_customer_management(connection, folder / "Batch1" / "CustomerMgmt.xml")
            _load_finwire(connection, folder / "Batch1")
            _load_audit(connection, folder)
            _list_files(connection, folder)
            connection.execute("checkpoint")
            yield connection
        finally:
            connection.close()


def find_batches(folder: Path) -> list[int]:
    """The batch numbers of a source folder, 1 to N without a gap.

    Raises `SourceFolderError` when there is no such folder, no `Batch1`, or a number is skipped.
    """
    if not folder.is_dir():
        raise SourceFolderError(f"{folder} is not a folder; pass the one that holds Batch1")
    found = sorted(
        int(path.name.removeprefix("Batch"))
        for path in folder.iterdir()
        if path.is_dir() and re.fullmatch(r"Batch[1-9]\d*", path.name)
    )
    if not found or found != list(range(1, len(found) + 1)):
        raise SourceFolderError(
            f"{folder} must hold the folders Batch1, Batch2, ... without a gap, but has {found}"
        )
    return found


def audited_files(folder: Path) -> list[Path]:
    """Every `*_audit.csv` of the folder: the root's and those next to the data files."""
    return sorted([*folder.glob("*_audit.csv"), *folder.glob("Batch*/*_audit.csv")])


def data_files(folder: Path) -> list[Path]:
    """Every data file of every batch, without the audit files."""
    return sorted(path for path in folder.glob("Batch*/*") if not path.name.endswith("_audit.csv"))


def _load_feed(
    connection: duckdb.DuckDBPyConnection, folder: Path, batch_ids: list[int], feed: Feed
) -> None:
    """Create the feed's table and append the file of each batch that has one."""
    all_columns = (CDC_COLUMNS if feed.later == "cdc" else {}) | feed.columns
    typed_nulls = ", ".join(f"null::{kind} as {name}" for name, kind in all_columns.items())
    stored = ", ".join(feed.stored.get(name, name) for name in all_columns)
    connection.execute(
        f"create table {feed.table} as select 0 as batch_id, {stored} "
        f"from (select {typed_nulls}) limit 0"
    )
    for batch_id in batch_ids:
        if not feed.in_batch(batch_id):
            continue
        columns = feed.columns_in(batch_id)
        stored = ", ".join(
            feed.stored.get(name, name) if name in columns else "null" for name in all_columns
        )
        _read_file(
            connection,
            f"insert into {feed.table} select {batch_id}, {stored} from {{csv}}",
            [folder / f"Batch{batch_id}" / feed.file],
            columns,
            feed.delimiter,
            feed.quote,
        )


def _load_customer_management(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    try:
        load_customer_actions(connection, file)
    except (OSError, etree.XMLSyntaxError, duckdb.Error) as error:
        raise SourceFolderError(f"{file} cannot be read: {error}") from error


def _load_finwire(connection: duckdb.DuckDBPyConnection, batch: Path) -> None:
    """Fill `finwire_lines`, one row per line, files in the order of their quarters."""
    files = sorted(path for path in batch.glob("FINWIRE*") if "_audit" not in path.name)
    if not files:
        raise SourceFolderError(f"{batch} has no FINWIRE file")
    _read_file(
        connection,
        "create table finwire_lines as select parse_filename(filename) as file, line from {csv}",
        files,
        {"line": "varchar"},
        # A character that no line holds: the whole line is one column.
        delimiter="\x01",
        options=", filename = true",
    )


def _load_audit(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Fill `audit`, with `file` relative to the folder and without the suffix `_audit.csv`."""
    files = audited_files(folder)
    if not files:
        raise SourceFolderError(f"{folder} has no *_audit.csv file")
    _read_file(
        connection,
        "create table audit as select * exclude (filename), "
        f"replace(filename[{len(str(folder)) + 2}:], '_audit.csv', '') as file from {{csv}}",
        files,
        _columns(
            """dataset varchar, batch_id integer, day date, attribute varchar, value bigint,
            parameter double"""
        ),
        delimiter=",",
        options=", filename = true",
        header="true",
    )


def _list_files(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Fill `source_files`, `audit_files` and `file_bytes`: what there is, and how its lines end."""
    data, audits = data_files(folder), audited_files(folder)
    _store(
        connection,
        "source_files",
        _SOURCE_FILES,
        [
            (f"{path.parent.name}/{path.stem}", int(path.parent.name[len("Batch") :]), path.stem)
            for path in data
        ],
    )
    _store(
        connection,
        "audit_files",
        _AUDIT_FILES,
        [
            (
                str(path.relative_to(folder)).removesuffix("_audit.csv"),
                path.read_text(encoding="ascii", errors="replace").split("\n")[0],
            )
            for path in audits
        ],
    )
    _store(
        connection,
        "file_bytes",
        _FILE_BYTES,
        [(str(path.relative_to(folder)), *_scan_bytes(path)) for path in (*data, *audits)],
    )


def _store(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    schema: pa.Schema,
    rows: Sequence[tuple[str | int | bool, ...]],
) -> None:
    """Create a table from rows made here, in one statement."""
    named = [dict(zip(schema.names, row, strict=True)) for row in rows]
    connection.register("rows_to_store", pa.Table.from_pylist(named, schema=schema))
    connection.execute(f"create table {table} as from rows_to_store")
    connection.unregister("rows_to_store")


def _scan_bytes(path: Path) -> tuple[bool, int, int, bool]:
    """Whether a file is ASCII, its line feeds, those of CRLF, and whether it ends with CRLF."""
    ascii_only, lines, crlf_lines, last = True, 0, 0, b""
    with path.open("rb") as stream:
        while block := stream.read(1 << 22):
            ascii_only = ascii_only and block.isascii()
            lines += block.count(b"\n")
            crlf_lines += block.count(b"\r\n") + (last == b"\r" and block[:1] == b"\n")
            previous, last = last, block[-1:]
            ends_with_crlf = (previous + block)[-2:] == b"\r\n"
    return ascii_only, lines, crlf_lines, lines > 0 and ends_with_crlf


def _read_file(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    files: list[Path],
    columns: dict[str, str],
    delimiter: str,
    quote: str = "",
    options: str = "",
    header: str = "false",
) -> None:
    """Run `statement`, after replacing `{csv}` with the rows of `files`."""
    csv = (
        f"read_csv($files, columns = $columns, delim = '{delimiter}', quote = '{quote}', "
        f"escape = '{quote}', header = {header}, auto_detect = false{options})"
    )
    for file in files:
        if not file.is_file():
            raise SourceFolderError(f"{file} is missing")
    try:
        connection.execute(
            statement.replace("{csv}", csv),
            {"files": [str(file) for file in files], "columns": columns},
        )
    except duckdb.Error as error:
        names = str(files[0]) if len(files) == 1 else f"a file of {files[0].parent}"
        raise SourceFolderError(f"{names} cannot be read: {error}") from error
