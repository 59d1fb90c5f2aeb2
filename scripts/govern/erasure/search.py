"""Search for the values of persons: in columns, in tables, and byte by byte in files.

Usage:
    search = Search({"123-45-6789", "12 Elm Street"})
    search.found_in(column)         the values that occur in the texts of a column, also as a part of them
    search.is_in_file(path)
    search.cut_out_of_file(path)

A value is searched as it was written, in UTF-8, and as JSON, SQL and CSV write it.
"""

import gzip
import json
import re
from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scripts.load.suppression import ERASED
from scripts.warehouse.files import replacing

# Shorter values are in too many words of others to tell anything.
SHORTEST = 6
_CHUNK_BYTES = 16 << 20


class Search:
    """A search for some values.

    Attributes:
        values: that are searched for.
    """

    def __init__(self, values: Collection[str]) -> None:
        self.values = frozenset(values)

    def found_in(self, column: pa.ChunkedArray | pa.Array) -> set[str]:
        """The values that occur in texts, also as a part of them."""
        if not self.values:
            return set()
        texts = column.unique()
        buffer = texts.buffers()[2]
        near = self._finder.find(buffer.to_pybytes() if buffer else b"")
        # The texts are one after the other there: what is found may be the end of one and the beginning of the next.
        return {
            value
            for value in self.values
            if value.encode() in near and pc.any(pc.match_substring(texts, value)).as_py()
        }

    def cut_out(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """The texts, without the values."""
        found = self.found_in(column)
        return pc.replace_substring_regex(column, _pattern(found), ERASED) if found else column

    def cut_out_of_text(self, text: Any) -> Any:
        """A text without the values; what is no text stays as it is."""
        if not self.values or not isinstance(text, str):
            return text
        return re.sub(_pattern(self.values), ERASED, text)

    def is_in_file(self, path: Path) -> bool:
        """Whether one of them is among the bytes of a file; those of what is compressed, if its name ends with `.gz`."""
        with path.open("rb") as stream:
            if path.suffix == ".gz":
                with gzip.open(stream) as unpacked:
                    return self.is_in_stream(unpacked)
            return self.is_in_stream(stream)

    def is_in_stream(self, stream: IO[bytes] | gzip.GzipFile) -> bool:
        """Whether one of them is among bytes that are read to their end."""
        if not self.values:
            return False
        before = b""
        while chunk := stream.read(_CHUNK_BYTES):
            if self.is_in_bytes(before + chunk):
                return True
            before = chunk[-self.longest :]
        return False

    def is_in_bytes(self, content: bytes) -> bool:
        """Whether one of them is among some bytes."""
        return bool(self._finder.find(content))

    def cut_out_of_file(self, path: Path) -> bool:
        """Write a file of text again without the values, if it has any; returns whether it had.

        Raises:
            OSError: it cannot be written; it is as it was.
        """
        if not self.is_in_file(path):
            return False
        content = path.read_bytes()
        # The longer ones first: one may be a part of another.
        for value in sorted(self._finder.find(content), key=len, reverse=True):
            content = content.replace(value, ERASED.encode())
        with replacing(path) as beside:
            beside.touch(mode=0o600)
            beside.write_bytes(content)
        return True

    @cached_property
    def _finder(self) -> "_Finder":
        # As programs write them: in JSON, and in texts of SQL and CSV.
        written = {
            as_written
            for value in self.values
            for as_written in (
                json.dumps(value)[1:-1],
                value.replace("'", "''"),
                value.replace('"', '""'),
            )
        }
        return _Finder({value.encode() for value in self.values | written})

    @property
    def longest(self) -> int:
        """The bytes of the longest value."""
        return self._finder.longest


class _Finder:
    """Finds any of thousands of byte strings: where the first bytes of one are, the rest is compared.

    A regular expression of so many takes minutes for a warehouse; this takes as long for thousands as for one.
    """

    _MASK = np.uint64((1 << (8 * SHORTEST)) - 1)
    # Spreads the first bytes of a value over a table (Knuth's multiplicative hashing).
    _FACTOR, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(48)

    def __init__(self, values: Collection[bytes]) -> None:
        self.longest = max(map(len, values), default=0)
        self._values: dict[int, list[bytes]] = {}
        for value in values:
            beginning = int.from_bytes(value[:SHORTEST], "little")
            self._values.setdefault(beginning, []).append(value)
        self._beginnings = np.array(sorted(self._values), dtype=np.uint64)
        self._table = np.zeros(1 << 16, dtype=np.bool_)
        self._table[self._places(self._beginnings)] = True

    def find(self, content: bytes) -> set[bytes]:
        """Those that are among some bytes."""
        found: set[bytes] = set()
        if not self._values:
            return found
        padded = content + bytes(8)
        for offset in range(8):
            words = np.frombuffer(padded, "<u8", (len(padded) - offset) // 8, offset) & self._MASK
            near = np.flatnonzero(self._table[self._places(words)])
            exact = near[np.isin(words[near], self._beginnings)]
            for place in exact.tolist():
                for value in self._values[int(words[place])]:
                    if value not in found and content.startswith(value, offset + 8 * place):
                        found.add(value)
        return found

    def _places(self, words: "npt.NDArray[np.uint64]") -> "npt.NDArray[np.uint64]":
        return (words * self._FACTOR) >> self._SHIFT


def _pattern(values: Collection[str]) -> str:
    """A regular expression (RE2, or of Python) for a few values; the longer ones first, because one may be a part of another."""
    return "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))


def text_columns(schema: pa.Schema) -> list[str]:
    """The names of the columns that have texts."""
    return [field.name for field in schema if pa.types.is_string(field.type)]


def long_texts(columns: Iterable[pa.ChunkedArray]) -> set[str]:
    """The different texts of some columns that are long enough to be searched for."""
    return {
        text
        for column in columns
        for text in column.unique().to_pylist()
        if text is not None and len(text) >= SHORTEST
    }
