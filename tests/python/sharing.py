"""People with personal data of every kind, published batch by batch, and what a policy may give of them, computed a second time in plain Python.

Usage:
    world = World(tmp_path)
    world.publish(people(Random(1)))
    outcome = world.build(policy(Random(2)))
"""

import csv
import gzip
import io
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from scripts.publish.duckdb_files import write_files
from scripts.publish.manifest import Manifest
from scripts.publish.versions import Versions
from scripts.serve.declarations import Declarations
from scripts.serve.duckdb_files import DuckDBPublished
from scripts.serve.sessions import Limits
from scripts.share.build import Outcome, build
from scripts.share.index import Index
from scripts.share.policies import Share, read_share
from scripts.share.rules import Rules, read_rules
from scripts.share.versions import ShareVersions
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import ROOT
from tests.python.processes import PROCESSES

TODAY = date(2026, 11, 30)
TABLE = "marts.dim_person"
KEY = b"k" * 32
READERS = ["brokerage_auditor", "brokerage_analyst", "brokerage_application"]
# What is written into each personal text, and must not be found in any file.
MARKER = "SECRET"
PLAIN = {
    "person_id": "bigint",
    "region": "varchar(20)",
    "tier": "smallint",
    "joined_at": "timestamp",
    "is_active": "boolean",
    "fee": "decimal(10,2)",
    "ref": "uuid",
}
PERSONAL = {
    "full_name": ("varchar(80)", "name"),
    "tax_id": ("varchar(40)", "tax number"),
    "born": ("date", "birth date"),
    "street": ("varchar(80)", "address"),
    "mail": ("varchar(80)", "contact"),
    "employer": ("varchar(80)", "employment"),
    "income": ("decimal(15,2)", "finances"),
    "note": ("varchar(200)", "free text"),
}
# The order of the model: personal columns are between the others.
COLUMNS = ("person_id", "full_name", "tax_id", "region", "tier", "born", "street", "joined_at", "mail", "is_active", "employer", "fee", "income", "ref", "note")  # fmt: skip
TYPES = {name: PLAIN[name] if name in PLAIN else PERSONAL[name][0] for name in COLUMNS}
REGIONS = ("north", 'so"uth', "ea,st", "we\nst", "", None)

Row = dict[str, Any]


def dbt_manifest() -> dict[str, Any]:
    """What dbt writes about the table, as far as it is looked at."""
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        meta = {"personal": PERSONAL[name][1]} if name in PERSONAL else {}
        if name == "born":
            meta["masked_as"] = "date_trunc('year', born)"
        key = [{"type": "not_null"}, {"type": "primary_key"}] if name == "person_id" else []
        columns[name] = {
            "data_type": TYPES[name],
            "description": f"The {name}.",
            "meta": meta,
            "constraints": key,
        }
    node = {
        "resource_type": "model",
        "schema": "marts",
        "alias": "dim_person",
        "name": "dim_person",
        "description": "One row per person.",
        "columns": columns,
        "constraints": [],
        "config": {"materialized": "table", "grants": {"select": READERS}, "meta": {}},
        "depends_on": {"nodes": []},
    }
    return {"nodes": {"model.p.dim_person": node}}


def person(number: int, random: Random) -> Row:
    """A person, whose personal values nobody else has."""
    return {
        "person_id": number,
        "full_name": f"{MARKER}-name-{number}",
        "tax_id": random.choice((f"{MARKER}-tax-{number}", f"{MARKER}-tax-shared", None)),
        "region": random.choice(REGIONS),
        "tier": random.choice((1, 2, 3, None)),
        "born": date(1930, 2, 3) + timedelta(days=random.randrange(366 * 8)),
        "street": f"{MARKER}-street-{number}",
        "joined_at": datetime(2020, 1, 1) + timedelta(seconds=random.randrange(10**8)),
        "mail": f"{MARKER}-mail-{number}",
        "is_active": random.random() < 0.7,
        "employer": f"{MARKER}-employer-{number}",
        "fee": Decimal(random.randrange(10**6)) / 100,
        "income": Decimal(random.randrange(7_000_000, 7_400_000)) + Decimal("0.37"),
        "ref": f"00000000-0000-0000-0000-{number:012}",
        "note": f"{MARKER}-note-{number}",
    }


def people(random: Random, count: int = 150) -> list[Row]:
    """Some people."""
    return [person(number, random) for number in range(1, count + 1)]


def next_day(rows: list[Row], random: Random) -> list[Row]:
    """Some are gone, some have changed, some are new; or nothing has happened."""
    if random.random() < 0.1:
        return rows
    kept = [row for row in rows if random.random() > 0.1]
    changed = [
        {**person(row["person_id"], random)} if random.random() < 0.2 else row for row in kept
    ]
    first = max((row["person_id"] for row in rows), default=0) + 1
    return changed + [
        person(number, random) for number in range(first, first + random.randrange(9))
    ]


@dataclass
class World:
    """Published versions, and shares made from them.

    Attributes:
        folder: of everything.
        declarations: of the table.
        rules: those of the project.
        versions: that were published.
    """

    folder: Path
    declarations: Declarations = field(
        default_factory=lambda: Declarations.of_manifest(dbt_manifest(), digest="x")
    )
    rules: Rules = field(default_factory=lambda: read_rules(ROOT / "shares/_rules.yml"))
    versions: list[str] = field(default_factory=list)

    @property
    def published(self) -> Path:
        """The published versions."""
        return self.folder / "published"

    def publish(self, rows: list[Row]) -> str:
        """Publish the next batch."""
        file = self.folder / "warehouse.duckdb"
        file.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as connection:
            columns = ", ".join(f"{name} {data_type}" for name, data_type in TYPES.items())
            connection.execute(f"create schema marts; create table {TABLE} ({columns})")
            given = {name: [row[name] for row in rows] for name in COLUMNS}
            connection.register("given", pa.table(given))
            connection.execute(f"insert into {TABLE} select * from given")
        number = len(self.versions) + 1
        versions = Versions(self.published)
        name = f"batch-{number:04}-20261130T00000{number % 10}Z"
        with versions.locked(), versions.new(name) as folder:
            tables = list(self.declarations.tables.values())
            contents, readers = write_files(DuckDBWarehouse(file), tables, folder)
            manifest = Manifest(
                version=name,
                previous=self.versions[-1] if self.versions else None,
                batch_id=number,
                published_at=datetime(2026, 11, 30, 0, 0, number, tzinfo=UTC),
                build=name,
                accepted=[],
                commit=None,
                warehouse="../warehouse.duckdb",
                target=Target.DUCKDB,
                engine="",
                project_digest="x",
                feeds={},
                tables=contents,
                readers=readers,
            )
            manifest.write(folder)
        self.versions.append(name)
        return name

    def build(
        self, share: Share, version: str | None = None, shares: Path | None = None
    ) -> Outcome:
        """Build a version of a share."""
        # In which types rows are handed on makes no difference, or it would be a change.
        keeps_types = len(self.versions) % 2 == 0
        with closing(
            DuckDBPublished(
                Versions(self.published), self.declarations, Limits(), keeps_types=keeps_types
            )
        ) as published:
            return build(
                share,
                self.rules,
                published,
                version=version,
                today=TODAY,
                shares=shares or self.folder / "shares",
            )


class Daily:
    """A share of the people, and its versions, day by day; something happens each day.

    Attributes:
        folder: of everything.
        content: of the policy.
        versions: of the share.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.content = envelope({"people": {"table": TABLE, "columns": list(PLAIN)}}, ["parquet"])
        self.content["retention"] = 2
        self.versions = ShareVersions.of("partner", "people")
        self._world = World(folder)
        self._random = Random(1)
        self._rows = people(self._random)

    def build(self) -> Outcome:
        """The next version."""
        self._world.publish(self._rows)
        self._rows = [*next_day(self._rows, self._random)]
        self._rows.append(person(max(row["person_id"] for row in self._rows) + 1, self._random))
        return self._world.build(written(self.folder / "policies", self.content))


def use_places(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let shares, their keys and records be in a folder."""
    patch.chdir(ROOT)
    patch.setenv("DBT_TARGET", "duckdb")
    patch.setenv("RUNS", str(folder / "runs"))
    patch.setenv("SHARES", str(folder / "shares"))
    patch.setenv("SHARE_KEYS", str(folder / "keys"))


def policy(random: Random) -> dict[str, Any]:
    """A policy that violates no rule, as it is written into a file."""
    columns = ["person_id", *(name for name in list(PLAIN)[1:] if random.random() < 0.6)]
    allowed = read_rules(ROOT / "shares/_rules.yml").transformations
    personal: dict[str, Any] = {}
    for name, (_, kind) in PERSONAL.items():
        if random.random() < 0.6:
            transformation = random.choice(allowed[kind])
            personal[name] = {"transformation": str(transformation), "reason": "It is needed."}
            if transformation == "bucket":
                personal[name]["size"] = random.choice((1000, 50_000, 1_000_000))
    table: dict[str, Any] = {"table": TABLE, "columns": columns, "personal": personal}
    if random.random() < 0.5:
        table["rows"] = random.choice(
            (
                {"is_active": "eq.true"},
                {"tier": ["gte.2", "is.not_null"], "fee": "lt.5000.50"},
                {"region": 'in.(north,"ea,st")'},
                {"joined_at": "gte.2021-06-01T00:00:00", "region": "neq.north"},
                {"region": "is.null"},
            )
        )
    telling = [
        name
        for name, column in personal.items()
        if column["transformation"] in ("year", "bucket")
        or (name == "born" and column["transformation"] == "mask")
    ]
    if telling or random.random() < 0.3:
        shared = [name for name in columns if name in ("region", "tier", "is_active")]
        by = [*telling, *shared[: random.randrange(3)]]
        if by:
            table["small_groups"] = {"by": by, "minimum": 5}
            if random.random() < 0.5:
                table["small_groups"]["counted"] = random.choice(("tax_id", "person_id"))
    return envelope(
        {"people": table}, random.choice((["parquet"], ["parquet", "csv", "json_lines"]))
    )


def envelope(tables: dict[str, Any], formats: list[str] | None = None) -> dict[str, Any]:
    """A policy about tables."""
    return {
        "recipient": "partner",
        "title": "People",
        "purpose": "A study.",
        "legal_basis": "contract",
        "owner": "Ann",
        "approved_by": "Bob",
        "approved_on": TODAY - timedelta(days=1),
        "approved_until": TODAY + timedelta(days=100),
        "schedule": "each batch",
        "formats": formats or ["parquet", "csv", "json_lines"],
        "retention": 3,
        "tables": tables,
    }


def written(folder: Path, content: dict[str, Any], name: str = "people") -> Share:
    """The share of a policy, through its file."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.yml"
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return read_share(file)


def expected(rows: list[Row], content: dict[str, Any], keyed: Callable[[str], str]) -> list[Row]:
    """What a recipient must get, computed without the code under test."""
    table = content["tables"]["people"]
    kept = [row for row in rows if all(_holds(row, *each) for each in _filters(table))]
    given = [(_given(row, table, keyed), row) for row in kept]
    if groups := table.get("small_groups"):
        counted = groups.get("counted")
        sizes: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for shown, row in given:
            group = tuple(shown[name] for name in groups["by"])
            sizes[group].append(row[counted] if counted else row["person_id"])
        big = {
            group
            for group, found in sizes.items()
            if len({value for value in found if value is not None}) >= groups["minimum"]
        }
        given = [each for each in given if tuple(each[0][name] for name in groups["by"]) in big]
    return sorted((shown for shown, _ in given), key=lambda row: row["person_id"])


def _given(row: Row, table: dict[str, Any], keyed: Callable[[str], str]) -> Row:
    shown: Row = {}
    for name in COLUMNS:
        value = row[name]
        if name in table["columns"]:
            shown[name] = value
        how = table["personal"].get(name, {"transformation": "drop"})
        match how["transformation"]:
            case "mask":
                shown[name] = date(value.year, 1, 1) if name == "born" else None
            case "keyed_hash":
                shown[name] = None if value is None else keyed(value)
            case "year":
                shown[name] = value.year
            case "bucket":
                shown[name] = Decimal(int(value // how["size"]) * how["size"])
    return shown


def _filters(table: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, texts in table.get("rows", {}).items():
        for text in [texts] if isinstance(texts, str) else texts:
            yield name, *text.split(".", 1)


def _holds(row: Row, name: str, operator: str, text: str) -> bool:
    value = row[name]
    if operator == "is":
        return (value is None) == (text == "null")
    if value is None:
        return False
    match operator:
        case "eq":
            return str(value).lower() == text
        case "neq":
            return bool(value != text)
        case "in":
            return value in ("north", "ea,st")
        case "gte":
            return bool(value >= (datetime.fromisoformat(text) if "-" in text else int(text)))
    return bool(value < Decimal(text))


def dump_rows(folder: Path, index: Index, kind: str = "dump") -> list[Row]:
    """The rows of the table of a version, from Parquet; in the order of its files."""
    resource = index.resource("people", kind)
    assert resource is not None
    return [row for file in resource.files for row in pq.read_table(folder / file.path).to_pylist()]


def csv_rows(folder: Path, path: str) -> list[dict[str, str]]:
    """The rows of a file of CSV, as any other program reads them."""
    text = gzip.decompress((folder / path).read_bytes()).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def json_rows(folder: Path, path: str) -> list[Row]:
    """The rows of a file of JSON lines."""
    text = gzip.decompress((folder / path).read_bytes()).decode()
    return [json.loads(line, parse_float=Decimal) for line in text.split("\n") if line]


def places_of(words: list[str], folder: Path) -> list[str]:
    """Where any of some words can be found: names of files, bytes, unpacked bytes, values and statistics of Parquet, whatever their type."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        name = path.relative_to(folder).as_posix()
        texts = [name, path.read_bytes().decode("latin-1")]
        if path.suffix == ".gz":
            texts.append(gzip.decompress(path.read_bytes()).decode("latin-1"))
        if path.suffix == ".parquet":
            texts += _parquet_texts(path)
        found += [f"{name}: {word}" for word in words if any(word in text for text in texts)]
    return found


def _parquet_texts(path: Path) -> Iterator[str]:
    with pq.ParquetFile(path) as file:
        metadata = file.metadata
        yield str(metadata.metadata)
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                statistics = metadata.row_group(group).column(column).statistics
                yield str(statistics.to_dict() if statistics else "")
                if statistics and statistics.has_min_max:
                    yield f"{statistics.min} {statistics.max}"
        for column in file.read().columns:
            yield "\n".join(map(str, column.to_pylist()))


def killed_at(world: World, share: Share, step: int | str | None) -> list[str]:
    """Build in another process, and kill it before a step, counted from 0, or by its name; returns its steps, all of them if it was not killed."""
    here, there = PROCESSES.Pipe()
    process = PROCESSES.Process(
        target=_build, args=(world, share, dict(os.environ), there), daemon=True
    )
    process.start()
    there.close()
    steps: list[str] = []
    try:
        while True:
            steps.append(here.recv())
            if step in (len(steps) - 1, steps[-1]):
                process.kill()
                return steps
            here.send("go on")
    except EOFError:
        return steps
    finally:
        process.kill()
        process.join()


def _build(world: World, share: Share, environment: dict[str, str], told: Connection) -> None:
    """Tells each step before it is done, and waits."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)

    def tell(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STEPS and any(str(world.folder) in str(each) for each in arguments):
            told.send(event)
            told.recv()

    sys.addaudithook(tell)
    world.build(share)
    told.close()


# What Python does on the disk; the engine's own files are written in between.
_STEPS = ("os.mkdir", "os.rename", "os.chmod", "os.symlink", "os.remove", "os.rmdir", "open")
