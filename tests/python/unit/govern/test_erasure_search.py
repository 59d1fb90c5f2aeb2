"""A search finds values in texts, in files and across the parts in which they are read, and cuts them out."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from scripts.govern.erasure import search as module
from scripts.govern.erasure.search import Search

VALUES = {"123-45-6789", "12 Elm Street", 'Ann "Lou" O\'Hara', "Zoë+Straße (2)"}
SEARCH = Search(VALUES)


@pytest.mark.parametrize("value", sorted(VALUES))
def test_each_value_is_found_as_a_part_of_a_text(value: str) -> None:
    column = pa.chunked_array([["nothing", None, f"C_ID = 1, x = {value}!"], [value.upper()]])
    assert SEARCH.found_in(column) == {value}
    assert SEARCH.found_in(SEARCH.cut_out(column)) == set()


def test_a_value_is_found_across_the_parts_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK_BYTES", 64)
    for start in range(40, 80):
        path = tmp_path / "log.txt"
        path.write_bytes(b"." * start + b"12 Elm Street" + b"." * 80)
        assert SEARCH.is_in_file(path), start
    path.write_bytes(b"12 Elm Stree" * 50)
    assert not SEARCH.is_in_file(path)


def test_what_is_packed_is_searched_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress("a,Zoë+Straße (2)\n".encode()))
    assert SEARCH.is_in_file(path)


def test_values_are_cut_out_of_a_file_as_json_writes_them_too(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text('{"message": "Ann \\"Lou\\" O\'Hara, Zo\\u00eb+Stra\\u00dfe (2)", "rows": 3}\n')
    path.chmod(0o640)
    assert SEARCH.cut_out_of_file(path)
    assert path.read_text() == '{"message": "(erased), (erased)", "rows": 3}\n'
    assert path.stat().st_mode & 0o777 == 0o640
    assert not SEARCH.cut_out_of_file(path)
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_found_without_values(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("anything")
    assert not Search(set()).is_in_file(path)
    assert Search(set()).found_in(pa.chunked_array([["anything"]])) == set()


def test_thousands_of_values_are_found_wherever_they_begin() -> None:
    values = {f"{number:06}-{'x' * (number % 9)}" for number in range(3_000)}
    search = Search(values)
    text = "".join(f"{'.' * (place % 11)}{value}" for place, value in enumerate(sorted(values)))
    assert search.found_in(pa.array([text])) == values
    assert not search.is_in_bytes(text.replace("-", "+").encode())


def test_the_end_of_a_text_and_the_beginning_of_the_next_are_no_value() -> None:
    assert SEARCH.found_in(pa.array(["12 Elm", " Street"])) == set()
