"""Small files that are read together give what each of them gives alone."""

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sample_sources import FEEDS, FILES, Outcome, load, load_feeds, write_sources
from test_random_damage import damaged

from scripts.load import reading as reading_module
from scripts.load.fixed_width import read_fixed_width
from scripts.load.reading import Reading
from scripts.load.rows import Rows
from scripts.load.sources import SourceFolder

FEED = FEEDS["finwire.record"]
SOUND = FILES["Batch1/FINWIRE1967Q2"]
LINES = SOUND.splitlines(keepends=True)
# What small files may hold: some of it cannot be joined, some of it cannot land.
CONTENTS = (
    SOUND,
    SOUND * 3,
    LINES[0],
    SOUND.replace(b"\n", b"\r\n"),
    SOUND.rstrip(b"\n"),
    b"\xef\xbb\xbf" + SOUND,
    b"",
    b"\n",
    b"\n\n",
    b"X\n",
    LINES[0][:15] + b"ABC\n",
    LINES[0].replace(b"19670401", b"19670431") + SOUND,
    SOUND + "Lim\u00e1\n".encode(),
    SOUND + b"\xff\0\n",
)


def write(folder: Path, contents: list[bytes]) -> SourceFolder:
    names = [f"Batch1/FINWIRE{1967 + index // 4}Q{index % 4 + 1}" for index in range(len(contents))]
    absent = dict.fromkeys(FILES)
    write_sources(folder, absent | dict(zip(names, contents, strict=True)))
    return SourceFolder(str(folder))


def found(pieces: list[Rows]) -> tuple[list[Any], list[Any], list[bytes]]:
    """Rows with their lines, violations, and the text of the lines of the rows."""
    rows, violations, lines = [], [], []
    for piece in pieces:
        columns = [piece.source_row, *(piece.columns[name] for name in sorted(piece.columns))]
        rows += list(zip(*(column.to_pylist() for column in columns), strict=True))
        violations += piece.violations
        assert piece.line is not None
        lines += [piece.line(number) for number in piece.source_row.to_pylist()]
    return rows, violations, lines


@pytest.mark.parametrize("seed", range(30))
def test_files_read_together_give_the_rows_and_violations_of_each_alone(
    seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    contents = [chance.choice(CONTENTS) for _ in range(chance.randint(2, 12))]
    contents = [
        damaged(content, chance) if chance.random() < 0.2 else content for content in contents
    ]
    contents = [content for content in contents if content[:2] not in (b"\xff\xfe", b"\xfe\xff")]
    sources = write(tmp_path, contents)
    files = sources.files_of(FEED, 1)
    progress: list[int] = []
    reading = Reading(sources, FEED, 1, files, chance.choice((700, 3_000, 100_000)))
    for file, content in zip(files, contents, strict=True):
        with reading.pieces(file, progress.append) as pieces:
            together = found(list(pieces))
        alone = read_fixed_width(io.BytesIO(content), FEED, 1, 100_000, lambda _: None)
        assert together == found(list(alone)), file.name
    assert sum(progress) == sum(map(len, contents))


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the reader of fixed-width text was given."""
    given: list[bytes] = []

    def noted(stream: io.BytesIO, *arguments: Any) -> Any:
        given.append(stream.read())
        return read_fixed_width(io.BytesIO(given[-1]), *arguments)

    monkeypatch.setitem(reading_module._READERS, "fixed_width", noted)
    return given


def read_all(sources: SourceFolder, block_bytes: int) -> None:
    files = sources.files_of(FEED, 1)
    reading = Reading(sources, FEED, 1, files, block_bytes)
    for file in files:
        with reading.pieces(file, lambda _: None) as pieces:
            assert list(pieces)


def test_small_files_are_joined_up_to_the_size_of_a_block(
    tmp_path: Path, texts: list[bytes]
) -> None:
    read_all(write(tmp_path, [SOUND] * 8), 3 * len(SOUND))
    assert texts == [SOUND * 3, SOUND * 3, SOUND * 2]


@pytest.mark.parametrize(
    "alone", [SOUND.rstrip(b"\n"), b"\xef\xbb\xbf" + SOUND, SOUND * 9], ids=["cut", "mark", "large"]
)
def test_a_file_that_cannot_be_joined_is_read_alone(
    alone: bytes, tmp_path: Path, texts: list[bytes]
) -> None:
    read_all(write(tmp_path, [SOUND, SOUND, alone, SOUND, SOUND]), 4 * len(SOUND))
    assert texts == [SOUND * 2, alone, SOUND * 2]


def _rows_are_wrong(path: Path) -> None:
    path.write_bytes(b"X\n")


def _is_gone(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nothing"))


@pytest.mark.parametrize("spoil", [_rows_are_wrong, _is_gone])
def test_the_first_wrong_file_of_several_is_the_one_that_is_named(
    spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    write(tmp_path / "sources", [SOUND, LINES[0], b"Y\n", SOUND * 2])
    spoil(tmp_path / "sources" / "Batch1" / "FINWIRE1967Q2")
    outcome = load_feeds(tmp_path / "sources", tmp_path / "lake", "finwire")
    assert outcome.exit_code == 1
    assert "FINWIRE1967Q2: " in outcome.output
    assert "FINWIRE1967Q3" not in outcome.output
    assert outcome.rows("finwire.record", 1) == []


def loaded(folder: Path, *arguments: str) -> Outcome:
    return load(folder / "sources", folder / "lake", "--feed", "finwire", "--force", *arguments)


@pytest.mark.parametrize("workers", ["1", "2", "8"])
def test_rows_log_and_quarantine_do_not_depend_on_what_is_joined(
    workers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "sources", [LINES[0] * index + SOUND + b"X\n" for index in range(20)])

    def rows() -> dict[str, list[dict[str, Any]]]:
        tables = ("finwire.record", "control.load_log", "control.quarantine")
        outcome = loaded(tmp_path, "--workers", workers)
        assert outcome.exit_code == 0
        return {
            table: [row | {"seconds": None} for row in outcome.rows(table, 1)] for table in tables
        }

    together = rows()
    monkeypatch.setattr(Reading, "_read_together", lambda *_: {})
    assert rows() == together
    assert len(together["control.quarantine"]) == 20
