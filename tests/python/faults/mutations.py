"""Source files damaged at random: the result is a clear error or quarantine, and no row is lost."""

import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from scripts.load.contracts import Feed, read_contracts
from scripts.load.files import FileResult
from scripts.load.lake import Lake
from scripts.load.run import CONTRACTS_FOLDER, LoadOptions, load
from scripts.load.sources import SourceFolder
from tests.python.faults.outcome import Outcome
from tests.python.faults.workbench import Workbench

# The start of a value: after a delimiter, the end of a tag, or the padding of the value before.
_FIRST_LETTER = re.compile(r"(?<=[|,>])[A-Z]|(?<=  )[A-Z]")
Mutation = Callable[[bytes, random.Random], bytes]


def flip_bytes(content: bytes, chance: random.Random) -> bytes:
    """A few bytes are changed."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 20)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut_lines(content: bytes, chance: random.Random) -> bytes:
    """The ends of some lines are missing, with or without the line end."""
    lines = content.splitlines(keepends=True)
    for index in _some(lines, chance):
        line = lines[index]
        lines[index] = line[: chance.randrange(len(line))] + chance.choice((b"", b"\n"))
    return b"".join(lines)


def double_lines(content: bytes, chance: random.Random) -> bytes:
    """Some lines occur twice."""
    lines = content.splitlines(keepends=True)
    for index in _some(lines, chance):
        lines[index] *= 2
    return b"".join(lines)


def remove_lines(content: bytes, chance: random.Random) -> bytes:
    """Some lines are missing."""
    lines = content.splitlines(keepends=True)
    for index in _some(lines, chance):
        lines[index] = b""
    return b"".join(lines)


def swap_fields(content: bytes, chance: random.Random) -> bytes:
    """In some lines, two fields (or two pieces of a line without delimiters) are swapped."""
    lines = content.splitlines(keepends=True)
    for index in _some(lines, chance):
        delimiter = next((sign for sign in (b"|", b",", b" ") if sign in lines[index]), None)
        if delimiter is not None:
            fields = lines[index].split(delimiter)
            first, second = chance.randrange(len(fields)), chance.randrange(len(fields))
            fields[first], fields[second] = fields[second], fields[first]
            lines[index] = delimiter.join(fields)
    return b"".join(lines)


def truncate(content: bytes, chance: random.Random) -> bytes:
    """The file ends too early."""
    return content[: chance.randrange(len(content))]


def encode_otherwise(content: bytes, chance: random.Random) -> bytes:
    """The file has another encoding, with letters that need it."""
    text = _FIRST_LETTER.sub("\N{LATIN CAPITAL LETTER E WITH ACUTE}", content.decode(), count=20)
    return text.encode(chance.choice(("latin-1", "utf-16", "utf-16-le", "utf-8-sig", "cp500")))


def insert_noise(content: bytes, chance: random.Random) -> bytes:
    """Random bytes, or characters with a meaning, are inserted somewhere."""
    signs = (b"\0", b"\r", b"\n", b'"', b"|", b",", b"<", b">", b"&", b"]]>", chance.randbytes(50))
    place = chance.randrange(len(content))
    return content[:place] + chance.choice(signs) + content[place:]


MUTATIONS: tuple[Mutation, ...] = (
    flip_bytes,
    cut_lines,
    double_lines,
    remove_lines,
    swap_fields,
    truncate,
    encode_otherwise,
    insert_noise,
)


def mutations(sources: Path, folder: Path, count: int, chance: random.Random) -> Iterator[Outcome]:
    """Load damaged files, one at a time.

    Args:
        sources: sound source files; they stay as they are.
        folder: where damaged files and their lakes may be written.
        count: how many.
        chance: decides which files, and how they are damaged.
    """
    for _ in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        damaged = _damaged(sources, chance)
        # A source folder has a batch, whatever else it has.
        for name in (f"Batch{damaged.batch}/BatchDate.txt", damaged.name):
            (folder / "sources" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sources / name, folder / "sources" / name)
        (folder / "sources" / damaged.name).write_bytes(damaged.content)
        yield _load(damaged, folder)


def mutated_builds(workbench: Workbench, count: int, chance: random.Random) -> Iterator[Outcome]:
    """Build, with all data tests, on damaged files: green, or red with what names the problem."""
    sources = Path(workbench.job.sources)
    folder = workbench.folder / "mutated"
    for _ in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(sources, folder, copy_function=os.link)
        damaged = _damaged(sources, chance)
        (folder / damaged.name).unlink()
        (folder / damaged.name).write_bytes(damaged.content)
        workbench.begin_from(workbench.nothing)
        child = workbench.run(replace(workbench.job, sources=str(folder), is_tested=True))
        said = child.said.partition("\n")[0]
        is_clear = child.exit_code == 0 or (
            child.exit_code == 1 and said and "Traceback" not in child.said
        )
        problems = () if is_clear else (f"exit code {child.exit_code}: {child.said}",)
        effect = "red" if child.exit_code else "green"
        yield Outcome("build on a mutated file", damaged.label, effect, problems, said)


@dataclass(frozen=True)
class _Damaged:
    """A file of a feed and batch, and the content that replaces its own."""

    feed: Feed
    batch: int
    name: str
    mutation: str
    content: bytes

    @property
    def label(self) -> str:
        return f"{self.name}, {self.mutation}"

    @property
    def records(self) -> int:
        """The rows that must be accounted for: lines, or for XML at least the records that begin."""
        if self.feed.format == "xml":
            return len(re.findall(rb"<[A-Za-z]+:Action[\s/>]", self.content))
        lines = self.content.split(b"\n")
        return max(0, len(lines) - (lines[-1] == b"") - self.feed.header_lines)


def _damaged(sources: Path, chance: random.Random) -> _Damaged:
    """Draw a format first: most feeds are delimited, but the other readers must be tested as well."""
    folder = SourceFolder(str(sources))
    feeds = read_contracts(CONTRACTS_FOLDER).feeds
    wanted = chance.choice(sorted({feed.format for feed in feeds}))
    feed = chance.choice([feed for feed in feeds if feed.format == wanted])
    batch, name = chance.choice(
        [
            (batch, file.name)
            for batch in filter(feed.comes_in, folder.batches)
            for file in folder.files_of(feed, batch)
            if file.bytes
        ]
    )
    mutate = chance.choice(MUTATIONS)
    content = mutate((sources / name).read_bytes(), chance)
    return _Damaged(feed, batch, name, mutate.__name__.replace("_", " "), content)


def _load(damaged: _Damaged, folder: Path) -> Outcome:
    lake = folder / "lake"
    options = LoadOptions(
        str(folder / "sources"), str(lake), (damaged.batch,), (damaged.feed.label,)
    )
    try:
        result = load(options)
    # Any exception that the loader does not handle is a finding.
    except Exception as error:
        problem = f"{type(error).__name__} instead of a clear error: {error}"
        return Outcome("mutated file", damaged.label, "crashed", (problem,))
    if result.failures:
        return _refusal(damaged, lake, result.failures)
    return _reconciliation(damaged, lake, result.feeds[0].files[0])


def _refusal(damaged: _Damaged, lake: Path, failures: list[str]) -> Outcome:
    problems = [f"does not name the file: {text}" for text in failures if damaged.name not in text]
    if _rows(lake, damaged, damaged.feed.system, damaged.feed.name):
        problems.append("rows of a refused file are in the lake")
    return Outcome("mutated file", damaged.label, "refused", tuple(problems), failures[0])


def _reconciliation(damaged: _Damaged, lake: Path, file: FileResult) -> Outcome:
    """Rows read, landed and quarantined must agree with the file, with each other and with the lake."""
    landed = _rows(lake, damaged, damaged.feed.system, damaged.feed.name)
    name = f"{damaged.feed.system}__{damaged.feed.name}"
    quarantined = _rows(lake, damaged, "control", "quarantine", name)
    read, expected = file.rows_read, damaged.records
    problems = []
    if read != landed + quarantined or (landed, quarantined) != (
        file.rows_landed,
        file.rows_quarantined,
    ):
        problems.append(f"{read} rows read, {landed} in the lake, {quarantined} in quarantine")
    if read < expected or (read > expected and damaged.feed.format != "xml"):
        problems.append(f"{read} rows read, {expected} in the file")
    effect = "partly quarantined" if quarantined else "landed"
    detail = f"{landed} landed, {quarantined} quarantined"
    return Outcome("mutated file", damaged.label, effect, tuple(problems), detail)


def _rows(lake: Path, damaged: _Damaged, system: str, table: str, name: str | None = None) -> int:
    path = Path(Lake(str(lake)).path(system, table, damaged.batch, name))
    return int(pq.read_metadata(path).num_rows) if path.exists() else 0


def _some(lines: list[bytes], chance: random.Random) -> set[int]:
    """The indexes of one to ten lines."""
    return {chance.randrange(len(lines)) for _ in range(chance.randint(1, 10))}
