"""A generated dataset lands completely: as many rows as its files have lines."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.load.contracts import read_contracts
from scripts.load.files import FileResult
from scripts.load.run import CONTRACTS_FOLDER, LoadOptions, load
from scripts.load.sources import SourceFolder
from tests.python.lake import query_lake

PROJECT = Path(__file__).parents[3]

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def loaded(
    small_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[FileResult]]:
    """The lake of a generated dataset, and what the loader says of its files."""
    lake = tmp_path_factory.mktemp("dataset") / "lake"
    result = load(LoadOptions(sources=str(small_dataset), lake=str(lake)))
    assert result.failures == []
    return lake, [file for feed in result.feeds for file in feed.files]


def record_count(path: Path, header_lines: int) -> int:
    """The records of a file, counted without the loader."""
    content = path.read_bytes()
    if path.suffix == ".xml":
        return content.count(b"<TPCDI:Action ")
    return content.count(b"\n") - header_lines


def test_every_file_lands_row_for_row(
    small_dataset: Path, loaded: tuple[Path, list[FileResult]]
) -> None:
    lake, files = loaded
    headers = {
        file.name: feed.header_lines
        for feed in read_contracts(CONTRACTS_FOLDER).feeds
        for batch in (1, 2, 3)
        for file in SourceFolder(str(small_dataset)).files_of(feed, batch)
    }
    expected = {name: record_count(small_dataset / name, headers[name]) for name in headers}
    assert {file.source_file: file.rows_read for file in files} == expected
    assert all(file.rows_landed == file.rows_read for file in files)
    landed = query_lake(
        "select source_file, count(*) from read_parquet(?, union_by_name = true)"
        " where source_row is not null group by source_file",
        lake / "*" / "*" / "batch_id=*" / "*.parquet",
    )
    assert dict(landed) == {name: count for name, count in expected.items() if count}


def test_no_generated_row_is_quarantined(loaded: tuple[Path, list[FileResult]]) -> None:
    lake, _ = loaded
    files = lake / "control" / "quarantine" / "*" / "*.parquet"
    assert query_lake("select count(*) from read_parquet(?)", files) == [(0,)]


LARGE_XML_BYTES = 200_000_000
# What Python and its libraries take by themselves is about 150 MiB of this.
MOST_MEMORY_MIB = 600
_LOAD_AND_MEASURE = """
import resource, sys
from scripts.load.run import LoadOptions, load
result = load(LoadOptions(sys.argv[1], sys.argv[2], feeds=("crm",), batches=(1,)))
print(sum(f.rows_landed for r in result.feeds for f in r.files), *result.failures)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_a_large_xml_file_is_loaded_in_constant_memory(small_dataset: Path, tmp_path: Path) -> None:
    content = (small_dataset / "Batch1/CustomerMgmt.xml").read_bytes()
    start, end = content.index(b"<TPCDI:Action "), content.rindex(b"</TPCDI:Actions>")
    records = content[start:end]
    times = LARGE_XML_BYTES // len(records) + 1
    path = tmp_path / "sources/Batch1/CustomerMgmt.xml"
    path.parent.mkdir(parents=True)
    with path.open("wb") as stream:
        stream.write(content[:start])
        for _ in range(times):
            stream.write(records)
        stream.write(content[end:])
    command = [sys.executable, "-c", _LOAD_AND_MEASURE, path.parents[1], tmp_path / "lake"]
    output = subprocess.run(
        command, cwd=PROJECT, env=os.environ, check=True, capture_output=True, text=True
    ).stdout
    rows, memory_mib = map(int, output.split())
    assert rows == times * records.count(b"<TPCDI:Action ")
    assert memory_mib < MOST_MEMORY_MIB
