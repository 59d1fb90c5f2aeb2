"""Source files with plausible but wrong values: the build ends, and each row is in the marts or in a table that says why it is not.

A source system sends yesterday's key, a date of another century, a price of nothing, a line twice or not at all, the file of another day. Each
draw makes many such changes over all feeds at once, because a build takes longer than all of them.
"""

import json
import random
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from scripts.load.contracts import Column, Feed, read_contracts
from scripts.load.run import CONTRACTS_FOLDER, LoadOptions, load
from scripts.load.sources import SourceFolder
from scripts.warehouse.base import Warehouse
from scripts.warehouse.workspace import Workspace
from tests.python.faults.outcome import Outcome

PER_BUILD = 20
# What they say is about the delivery, not about our work.
_MAY_BE_RED = {
    "assert_rejected_rows__there_are_none",
    # A trade that was closed on a day, or at a second, that is in no list.
    "assert_dim_trade__every_closed_trade_has_a_day_and_a_second",
    # An update with other terms than those that the trade was placed on.
    "assert_brokerage_trade__rebuilt_from_vault",
    # Two descriptions of one prospect in one list.
    "assert_prospect_prospect__rebuilt_from_vault",
    # A change of a holding that does not begin with the quantity that the one before it left.
    "assert_fct_positions__open_quantities_are_the_sums_of_all_changes",
}
# A file of another batch that is refused has failed.
_MAY_BE_RED_IF_REFUSED = {"assert_load_log__no_file_has_failed"}
_NOT_MUTATED = ("cdc_dsn",)
_KINDS = ("value",) * 16 + ("double",) * 3 + ("remove",) * 3 + ("repeat", "swap")
_IN_XML = re.compile(
    r'(?P<name>ActionTS|ActionType|C_ID|C_TIER|C_DOB|CA_ID|CA_TAX_ST)="(?P<value>[^"]*)"'
)
_DAY = re.compile(r"\d{4}-?\d{2}-?\d{2}")


@dataclass(frozen=True)
class _Change:
    """What was done, and the files that are those of another batch now: the loader may refuse them."""

    text: str
    exchanged: tuple[str, ...] = ()


def mutated_values(
    sources: Path, workspace: Workspace, count: int, chance: random.Random
) -> Iterator[Outcome]:
    """Build on files with wrong values; an outcome for each build.

    Args:
        sources: sound source files; they stay as they are.
        workspace: where the files are changed, loaded and built; what it holds is lost.
        count: how many changes, in builds of 20.
        chance: decides which.
    """
    while count > 0:
        workspace.replaceable.empty()
        for folder in (workspace.sources, workspace.lake, workspace.target):
            shutil.rmtree(folder, ignore_errors=True)
        # The audit knows the number of rows that are right, so it would be red as well.
        shutil.copytree(sources, workspace.sources, ignore=shutil.ignore_patterns("*_audit.csv"))
        made = [_mutate(workspace.sources, chance) for _ in range(min(count, PER_BUILD))]
        count -= len(made)
        yield _build(workspace, made)


def _build(workspace: Workspace, made: Sequence[_Change]) -> Outcome:
    place = "; ".join(change.text for change in made)
    exchanged = {name for change in made for name in change.exchanged}
    options = LoadOptions(
        str(workspace.sources), str(workspace.lake), target=workspace.warehouse.target
    )
    workspace.enter()
    refusals = load(options).failures
    unexpected = [text for text in refusals if not any(name in text for name in exchanged)]
    workspace.dbt("--log-level", "error", "build", "--exclude-resource-type", "unit_test")
    results = json.loads((workspace.target / "run_results.json").read_text())["results"]
    may_be_red = _MAY_BE_RED | (_MAY_BE_RED_IF_REFUSED if refusals else set())
    found = (_problem(result, may_be_red) for result in results)
    problems = (*unexpected, *filter(None, found))
    effect = "partly refused" if refusals else "built"
    return Outcome("wrong values", place, effect, problems, _figures(workspace.warehouse))


def _figures(warehouse: Warehouse) -> str:
    """What became of the rows: those of the files, and those that are not in the marts."""
    tables = {name.partition(".")[2] for name in warehouse.tables()}
    if not {"load_log", "rejected_rows"} <= tables:
        return "not built"
    ((read, landed, quarantined, rejected),) = warehouse.query(
        "select sum(rows_read), sum(rows_landed), sum(rows_quarantined), (select count(*) from quality.rejected_rows)"
        " from quality.load_log"
    )
    return f"{read} read, {landed} landed, {quarantined} quarantined, {rejected} rejected"


def _problem(result: dict[str, str], may_be_red: set[str]) -> str | None:
    """What a node of the build should not have done."""
    kind, _, name = result["unique_id"].split(".")[:3]
    status = result["status"]
    is_fine = status in ("success", "pass", "warn", "no-op") or (
        kind == "test" and status == "fail" and name in may_be_red
    )
    return None if is_fine else f"{name}: {status}: {result.get('message') or ''}".strip()


def _mutate(folder: Path, chance: random.Random) -> _Change:
    """Change one value, double or remove one line, or put the file of another batch in the place of one."""
    sources = SourceFolder(str(folder))
    feeds = [feed for feed in read_contracts(CONTRACTS_FOLDER).feeds if feed.system != "control"]
    feed = chance.choice(feeds)
    files = {
        batch: [folder / file.name for file in sources.files_of(feed, batch) if file.bytes]
        for batch in filter(feed.comes_in, sources.batches)
    }
    batch = chance.choice([batch for batch, names in files.items() if names])
    file = chance.choice(files[batch])
    kind = chance.choice(_KINDS)
    others = [other for number, names in files.items() if number != batch for other in names]
    if kind in ("repeat", "swap") and others:
        return _exchange(folder, file, chance.choice(others), is_swapped=kind == "swap")
    lines = file.read_bytes().decode().splitlines(keepends=True)
    number = chance.randrange(feed.header_lines, len(lines))
    done = kind
    if feed.format == "xml":
        done = _mutate_xml(lines, chance)
    elif kind == "double":
        lines[number] *= 2
    elif kind == "remove" and len(lines) > 1:
        lines[number] = ""
    else:
        done = _mutate_value(feed, batch, lines, number, chance)
    file.write_bytes("".join(lines).encode())
    return _Change(f"{file.relative_to(folder)} line {number + 1}: {done}")


def _exchange(folder: Path, file: Path, other: Path, *, is_swapped: bool) -> _Change:
    content, other_content = file.read_bytes(), other.read_bytes()
    file.write_bytes(other_content)
    name, other_name = str(file.relative_to(folder)), str(other.relative_to(folder))
    if not is_swapped:
        return _Change(f"{name}: the content of {other_name}", (name, other_name))
    other.write_bytes(content)
    return _Change(f"{name} and {other_name}: swapped", (name, other_name))


def _mutate_xml(lines: list[str], chance: random.Random) -> str:
    candidates = [number for number, line in enumerate(lines) if _IN_XML.search(line)]
    number = chance.choice(candidates)
    found = chance.choice(list(_IN_XML.finditer(lines[number])))
    others = [
        match["value"]
        for line in lines
        for match in _IN_XML.finditer(line)
        if match["name"] == found["name"]
    ]
    choices = [*others, _moved(found["value"], chance)]
    value = chance.choice([choice for choice in choices if choice != found["value"]] or choices)
    start, end = found.span("value")
    lines[number] = lines[number][:start] + value + lines[number][end:]
    return f"{found['name']} {found['value']} -> {value} (line {number + 1})"


def _mutate_value(
    feed: Feed, batch: int, lines: list[str], number: int, chance: random.Random
) -> str:
    line = lines[number].rstrip("\r\n")
    if feed.record_type:
        start, end = feed.record_type
        record = line[start - 1 : end]
        columns = [column for column in feed.layout(batch) if record in column.positions]
        column = chance.choice(columns)
        first, last = column.positions[record]
        old = line[first - 1 : last]
        value = _other(column, old.strip(), old.strip(), chance)[: len(old)].ljust(len(old))
        line = line[: first - 1] + value + line[first - 1 + len(old) :]
    else:
        assert feed.delimiter
        columns = list(feed.layout(batch))
        fields = line.split(feed.delimiter)
        place = chance.choice(
            [
                place
                # A line that comes from another batch may have fewer fields.
                for place, column in enumerate(columns[: len(fields)])
                if column.name not in _NOT_MUTATED
            ]
        )
        column, old = columns[place], fields[place]
        others = chance.choice(lines[feed.header_lines :]).rstrip("\r\n").split(feed.delimiter)
        value = _other(column, old, others[place] if place < len(others) else old, chance)
        fields[place] = value
        line = feed.delimiter.join(fields)
    lines[number] = line + lines[number][len(lines[number].rstrip("\r\n")) :]
    return f"{column.name} {old.strip()} -> {value.strip()}"


def _other(column: Column, value: str, another: str, chance: random.Random) -> str:
    """Another value of the type: that of another line, an extreme, one that nobody knows, or none."""
    choices = [another, _moved(value, chance)]
    if column.data_type.startswith("decimal"):
        digits, places = map(int, re.findall(r"\d+", column.data_type))
        choices += [
            "0.00",
            f"-{value.lstrip('-') or 1}",
            f"{'9' * (digits - places)}.{'9' * places}",
        ]
    elif column.data_type in ("smallint", "integer", "bigint"):
        largest = {"smallint": 32767, "integer": 2147483647, "bigint": 999999999999}
        choices += ["0", "-1", str(largest[column.data_type])]
    elif column.data_type.startswith("varchar"):
        choices.append("X" * min(column.max_length or 3, 3))
    if not column.required:
        choices.append("")
    return chance.choice([choice for choice in choices if choice != value] or [value])


def _moved(value: str, chance: random.Random) -> str:
    """The same time on another day, if it is one; the same value otherwise."""
    found = _DAY.match(value)
    try:
        own_day = date.fromisoformat(found[0]) if found else None
    # Eight digits need not be a day.
    except ValueError:
        own_day = None
    if found is None or own_day is None:
        return value
    day = chance.choice(
        (
            own_day + timedelta(days=chance.choice((-400, -1, 1, 400))),
            date(1850, 1, 1),
            date(2090, 12, 31),
        )
    )
    text = day.isoformat() if "-" in found[0] else day.strftime("%Y%m%d")
    return text + value[found.end() :]
