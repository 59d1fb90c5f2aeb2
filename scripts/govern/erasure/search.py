"""Search for the values of persons: in columns, in tables, and byte by byte in files.

Usage:
    search = Search({"123-45-6789", "12 Elm Street"})
    search.found_in(column)         the values that occur in the texts of a column, also as a part of them
    search.is_in_file(path)
    search.cut_out_of_file(path)

A value is searched as it was written, in UTF-8, and as JSON writes it.
"""

import gzip
import json
import os
import re
from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from scripts.load.suppression import ERASED

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

    @cached_property
    def pattern(self) -> str:
        """A regular expression (RE2, or of Python) for all of them; there must be one."""
        return "|".join(re.escape(value) for value in self._spellings)

    def found_in(self, column: pa.ChunkedArray | pa.Array) -> set[str]:
        """The values that occur in texts, also as a part of them."""
        found: set[str] = set()
        wanted = self
        # In parts: a value that is in every other text is found in the first of them, and no longer looked for.
        texts = column.unique()
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            if not wanted.values:
                break
            part = texts.slice(start, _TEXTS_AT_ONCE)
            hits = part.filter(pc.match_substring_regex(part, wanted.pattern)).to_pylist()
            new = {value for value in wanted.values if any(value in (hit or "") for hit in hits)}
            if new:
                found |= new
                wanted = Search(wanted.values - new)
        return found

    def count_in(self, column: pa.ChunkedArray | pa.Array) -> int:
        """In how many texts one of them occurs."""
        if not self.values:
            return 0
        return int(pc.sum(pc.match_substring_regex(column, self.pattern)).as_py() or 0)

    def cut_out(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """The texts, without the values."""
        if not self.values:
            return column
        return pc.replace_substring_regex(column, self.pattern, ERASED)

    def cut_out_of_text(self, text: Any) -> Any:
        """A text without the values; what is no text stays as it is."""
        if not self.values or not isinstance(text, str):
            return text
        return re.sub(self.pattern, ERASED, text)

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
        matches = pc.match_substring_regex(pa.array([content], pa.large_binary()), self.pattern)
        return bool(matches[0].as_py())

    def cut_out_of_file(self, path: Path) -> bool:
        """Write a file of text again without the values, if it has any; returns whether it had.

        Raises:
            OSError: it cannot be written; it is as it was.
        """
        if not self.is_in_file(path):
            return False
        content = path.read_bytes()
        # The longer ones first: one may be a part of another.
        for value in sorted(self._spellings, key=len, reverse=True):
            content = content.replace(value.encode(), ERASED.encode())
        beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            beside.touch(mode=0o600)
            beside.write_bytes(content)
            beside.chmod(path.stat().st_mode & 0o777)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        return True

    @cached_property
    def _spellings(self) -> list[str]:
        written = (json.dumps(value)[1:-1] for value in self.values)
        return sorted({*self.values, *written}, key=lambda value: (-len(value), value))

    @property
    def longest(self) -> int:
        """The bytes of the longest value."""
        return max(len(value.encode()) for value in self._spellings)


# Texts in which values are looked for at once.
_TEXTS_AT_ONCE = 50_000


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
