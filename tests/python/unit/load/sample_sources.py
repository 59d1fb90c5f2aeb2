"""A minimal complete source folder of two batches, and a way to load it and look at the result."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from typer.testing import CliRunner

from scripts.load.__main__ import main
from scripts.load.contracts import Feed, read_contracts
from scripts.load.run import CONTRACTS_FOLDER

CONTRACTS = read_contracts(CONTRACTS_FOLDER)
FEEDS = {feed.label: feed for feed in CONTRACTS.feeds}
NAMESPACE = "http://www.tpc.org/tpc-di"
Row = dict[str, Any]


def text(*lines: str, end: str = "\n") -> bytes:
    """Lines as a file."""
    return "".join(line + end for line in lines).encode()


def fixed(**values: str) -> str:
    """A line of the newswire out of the fields of a record type, padded as the contract says."""
    columns = FEEDS["finwire.record"].columns
    positions = {
        column.name: position
        for column in columns
        if (position := column.position(values["rec_type"]))
    }
    line = [" "] * max(last for _, last in positions.values())
    for name, value in values.items():
        first, last = positions[name]
        line[first - 1 : last] = value.ljust(last - first + 1)
    return "".join(line)


FINWIRE = text(
    fixed(
        pts="19670401-101112",
        rec_type="CMP",
        company_name="Birch & Sons",
        cik="17",
        status="ACTV",
        industry_id="AM",
        founding_date="19010203",
        addr_line1="1 Long Road",
        city="Lima",
    ),
    fixed(
        pts="19670402-101112",
        rec_type="SEC",
        symbol="BIRCH",
        issue_type="COMMON",
        status="ACTV",
        name="Birch common",
        ex_id="NYSE",
        sh_out="1000",
        first_trade_date="19670405",
        first_trade_exchg="19670406",
        dividend="1.25",
        co_name_or_cik="Birch & Sons",
    ),
    fixed(
        pts="19670403-101112",
        rec_type="FIN",
        year="1967",
        quarter="2",
        qtr_start_date="19670401",
        posting_date="19670430",
        revenue="120.50",
        earnings="-3.00",
        sh_out="1000",
        diluted_sh_out="1100",
        co_name_or_cik="0000000017",
    )[:196],
    fixed(pts="19670404-101112", rec_type="CMP", company_name="Alder", cik="18", status="ACTV"),
)

CUSTOMERS = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- customers and their accounts -->
<TPCDI:Actions xmlns:TPCDI="{NAMESPACE}">
<TPCDI:Action ActionType="NEW" ActionTS="2007-07-07T01:02:03">
<Customer C_ID="0" C_TAX_ID="111-22-3333" C_GNDR="F" C_TIER="3" C_DOB="1970-01-31">
<Name><C_L_NAME>M\u00fcller</C_L_NAME><C_F_NAME>Eva</C_F_NAME><C_M_NAME></C_M_NAME></Name>
<Address><C_ADLINE1>1 Long Road &amp; more</C_ADLINE1><C_ADLINE2/></Address>
<ContactInfo><C_PHONE_1><C_CTRY_CODE>1</C_CTRY_CODE></C_PHONE_1></ContactInfo>
<Account CA_ID="10" CA_TAX_ST="1"><CA_B_ID>7</CA_B_ID><CA_NAME>savings</CA_NAME></Account>
</Customer>
</TPCDI:Action>
<TPCDI:Action ActionType="UPDCUST" ActionTS="2007-07-08T01:02:03">
<Customer C_ID="0" C_TIER="2"></Customer>
</TPCDI:Action>
<TPCDI:Action ActionType="INACT" ActionTS="2007-07-09T01:02:03">
<Customer C_ID="0"></Customer>
</TPCDI:Action>
</TPCDI:Actions>
""".encode()

_TRADE = "2007-07-07 01:02:03|CMPT|TMB|1|BIRCH|100|8.53|10|Eva Alder|8.50|3.00|1.10|0.25"
_PROSPECT = "Long Road,,1234,Lima,XX,Peru,,50000,1,2,M,33,700,O,Birch,2,100000"

FILES = {
    "Batch1/BatchDate.txt": b"2017-07-07\n",
    "Batch1/HR.csv": text(
        "1,9,Eva,Alder,J,314,Wells & Wells,OFFICE7,(555) 123-4567",
        "2,9,Max,M\u00fcller,,314,North,OFFICE8,555-7777",
        "3,1,Ann,O'Hara,Q,100,North,,",
        '4,1,"Ann,Lee,Q,100,North,,',
        "9,,Zoe,Top,Z,1,Head,OFFICE1,1",
    ),
    "Batch1/FINWIRE1967Q2": FINWIRE,
    "Batch1/CustomerMgmt.xml": CUSTOMERS,
    "Batch1/Trade.txt": text(*(f"{number}|{_TRADE}" for number in range(1, 6))),
    "Batch1/TradeHistory.txt": text(
        *(f"{number}|2007-07-07 01:02:03|CMPT" for number in range(1, 6))
    ),
    "Batch1/HoldingHistory.txt": text("1|1|0|100", "1|2|100|50"),
    "Batch1/CashTransaction.txt": text(
        "10|2007-07-07 01:02:03|-850.00|a | b".replace(" | ", " / "),
        "10|2007-07-08 01:02:03|12.34|dividend",
    ),
    "Batch1/WatchHistory.txt": text("0|BIRCH|2007-07-07 01:02:03|ACTV"),
    "Batch1/DailyMarket.txt": text(
        *(f"2007-07-{day:02}|BIRCH|8.50|9.00|8.00|12345678901" for day in range(1, 6))
    ),
    "Batch1/Prospect.csv": text(
        f"P1,Alder,Eva,J,F,{_PROSPECT}",
        f'P2,"Alder, Lee",Eva,,F,{_PROSPECT}',
        f'P3,"Al ""the"" Der",Eva,,F,{_PROSPECT}',
        f"P4,M\u00fcller,Eva,,F,{_PROSPECT}",
    ),
    "Batch1/Date.txt": text(
        "19500101|1950-01-01|January 1, 1950|1950|1950|19501|1950 Q1|19501|1950 January"
        "|19501|1950-W1|7|Sunday|1950|1950|19503|1950 Q3|true"
    ),
    "Batch1/Time.txt": text("0|00:00:00|0|00|0|00:00|0|00:00:00|false|false"),
    "Batch1/Industry.txt": text("AM|Aerospace & Metal|BM"),
    "Batch1/StatusType.txt": text("ACTV|Active", "CMPT|Completed"),
    "Batch1/TaxRate.txt": text("US1|Some tax|0.10000"),
    "Batch1/TradeType.txt": text("TMB|Market Buy|0|1"),
    "Batch2/BatchDate.txt": b"2017-07-08\n",
    "Batch2/Customer.txt": text(
        "U|1|0|111-22-3333|ACTV|Alder|Eva||F|3|1970-01-31|1 Long Road||1234|Lima|XX|Peru"
        "|1||||||||||||a@example.com||US1|US1"
    ),
    "Batch2/Account.txt": text("I|2|11|7|0|more savings|1|ACTV"),
    "Batch2/Trade.txt": text(
        "I|3|6|2017-07-08 01:02:03|SBMT|TMB|1|BIRCH|100|8.53|10|Eva Alder||||",
        f"U|4|1|{_TRADE}",
    ),
    "Batch2/HoldingHistory.txt": text("I|5|1|3|50|0"),
    "Batch2/CashTransaction.txt": text("I|6|10|2017-07-08 01:02:03|5.00|interest"),
    "Batch2/WatchHistory.txt": text("I|7|0|BIRCH|2017-07-08 01:02:03|CNCL"),
    "Batch2/DailyMarket.txt": text("I|8|2017-07-08|BIRCH|8.50|9.00|8.00|123"),
    "Batch2/Prospect.csv": text(f"P1,Alder,Eva,J,F,{_PROSPECT}"),
}


def write_sources(folder: Path, changes: dict[str, bytes | None] | None = None) -> Path:
    """Write the files of the sample, some of them changed, added or (None) left out."""
    for name, content in (FILES | (changes or {})).items():
        if content is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder


@dataclass(frozen=True)
class Outcome:
    """What a load left: its exit code and messages, and the lake."""

    exit_code: int
    output: str
    lake: Path

    def rows(self, table: str, batch: int | None = None) -> list[Row]:
        """The rows of a table of the lake (`system.feed`), of one batch or of all."""
        folder = self.lake.joinpath(*table.split("."))
        paths = sorted(folder.glob(f"batch_id={'*' if batch is None else batch}/*.parquet"))
        return pa.concat_tables([_read(path) for path in paths]).to_pylist() if paths else []

    def quarantine(self, feed: str) -> list[Row]:
        """The quarantined rows of a feed."""
        return [row for row in self.rows("control.quarantine") if _label(row) == feed]

    def log(self, feed: str) -> list[Row]:
        """What the log says of the files of a feed."""
        return [row for row in self.rows("control.load_log") if _label(row) == feed]


def load(sources: Path, lake: Path, *arguments: str) -> Outcome:
    """Run the command line of the loader."""
    command = ["--sources", str(sources), "--lake", str(lake), *arguments]
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, command)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.output, lake)


def load_feeds(sources: Path, lake: Path, *feeds: str) -> Outcome:
    """Load some feeds only."""
    return load(sources, lake, *(part for feed in feeds for part in ("--feed", feed)))


def write_contract(folder: Path, *tables: Row) -> Path:
    """Write a source declaration of the system `test`; JSON is YAML too."""
    path = folder / "test" / "_test__sources.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"sources": [{"name": "test", "schema": "raw", "tables": list(tables)}]})
    )
    return path


def table(columns: dict[str, Row], **feed: Any) -> Row:
    """The declaration of a table: its columns, `data_type` and meta options, and its feed."""
    options = {"files": "Batch{batch}/Feed.txt", "format": "delimited", "delimiter": "|"} | feed
    return {
        "name": "feed",
        "identifier": "test__feed",
        "config": {"meta": {"feed": options}},
        "columns": [
            {
                "name": name,
                "data_type": meta.get("data_type", "varchar(10)"),
                "config": {"meta": {key: meta[key] for key in meta if key != "data_type"}},
            }
            for name, meta in columns.items()
        ],
    }


def feed_of(folder: Path, columns: dict[str, Row], **feed: Any) -> Feed:
    """The feed that such a declaration makes."""
    write_contract(folder, table(columns, **feed))
    return read_contracts(folder).feeds[0]


def _read(path: Path) -> pa.Table:
    with path.open("rb") as stream:
        return pq.read_table(stream)


def _label(row: Row) -> str:
    return f"{row['system']}.{row['feed']}"
