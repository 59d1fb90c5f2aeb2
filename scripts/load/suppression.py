"""Persons who were erased stay erased: what a load reads of them lands without what is personal, however old the file is.

The list of them is in the folder ERASURES. It has no value and no key of anybody, but their HMAC-SHA-256 with a key: from the variable ERASURE_KEY, or from the file
`key` beside the list. Who has the key can ask whether somebody is on the list, and nothing else. Which columns are personal, and whose rows they are in, is declared in governance/.

Usage:
    suppression = Suppression.of_lake(lake)             None if nobody was ever erased
    rows = suppression.without_persons(feed, rows)      the same number of rows

`python -m scripts.govern erase` adds to the list, and applies it to what has landed with the same functions.
"""

import csv
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from scripts.govern.register import FOLDER, FeedEntry, Register, RegisterError
from scripts.load.contracts import Feed
from scripts.load.lake import Lake, LakeError
from scripts.warehouse.files import write_private
from scripts.warehouse.settings import ROOT, setting

LIST_FILE, KEY_FILE = "suppressed.json", "key"
# A file of the lake that names the key of the list of those who were erased from it.
MARK = ".erased_persons"
# Names a key in the environment.
KEY_VARIABLE = "ERASURE_KEY"
# What stands where a text of a person was.
ERASED = "(erased)"
# A value of a person, among the hashes of keys.
VALUE = "value"
_SHORTEST_KEY = 32
_PSEUDONYM = "erased-"
_PSEUDONYM_DIGITS = 20
_BETWEEN_VALUES = re.compile(r"[|,;\"<>=\t]")


class SuppressionError(LakeError):
    """The list of erased persons cannot be used: says why and what to do. Nothing is loaded without it."""


class Suppression:
    """The persons who were erased.

    Attributes:
        hashes: by kind of key, or VALUE: the keyed hashes.
    """

    def __init__(
        self, key: bytes, hashes: Mapping[str, Iterable[str]], register: Register | None = None
    ) -> None:
        self._key = key
        self.hashes = {kind: frozenset(values) for kind, values in hashes.items()}
        self._register = register or _register()
        # Each key is hashed once.
        self._answers: dict[tuple[str, Any], bool] = {}

    @classmethod
    def read(cls, folder: Path | None = None) -> Self | None:
        """The list of a folder, by default ERASURES; None if there is none.

        Raises:
            SuppressionError: it cannot be read, or its key is missing or another one.
        """
        folder = folder or Path(setting("ERASURES"))
        path = folder / LIST_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            key_id, hashes = content["key"], content["hashes"]
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise SuppressionError(
                f"{path}: cannot be read: {error.strerror}; load as the user who owns it"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SuppressionError(
                f"{path}: cannot be read: {error}; restore it from your backup: without it, erased persons would come back"
            ) from error
        key = _read_key(folder)
        if key is None or _key_id(key) != key_id:
            raise SuppressionError(
                f"{path}: the key it was written with is {'another one' if key else 'missing'}; set {KEY_VARIABLE}, or restore"
                f" {folder / KEY_FILE} from your backup"
            )
        return cls(key, hashes)

    @classmethod
    def to_extend(cls, folder: Path) -> Self:
        """The list of a folder, or a new one, with a new key unless ERASURE_KEY has one.

        Raises:
            SuppressionError: it cannot be read or written.
        """
        found = cls.read(folder)
        return found or cls(_read_key(folder) or _new_key(folder), {})

    @classmethod
    def of_lake(cls, lake: Lake) -> Self | None:
        """The list of those who were erased from a lake; None if nobody was.

        Raises:
            SuppressionError: as `read`; or the lake knows of a list, and this is not it.
        """
        found = cls.read()
        known = lake.read_mark(MARK)
        if known and (found is None or found.key_id != known):
            raise SuppressionError(
                f"{lake.uri}: persons were erased from this lake, and the list of them is not in {setting('ERASURES')}; set ERASURES to the folder that has it:"
                " without it, they would come back"
            )
        return found

    def extended(self, persons: Mapping[str, Iterable[str]]) -> Self:
        """The same list and more persons: their keys by kind, and their values under VALUE."""
        added = {
            kind: {self.hashed(kind, value) for value in values} for kind, values in persons.items()
        }
        kinds = sorted({*self.hashes, *added})
        return type(self)(
            self._key,
            {kind: self.hashes.get(kind, frozenset()) | added.get(kind, set()) for kind in kinds},
            self._register,
        )

    def write(self, folder: Path) -> None:
        """Write the list, for its owner only.

        Raises:
            SuppressionError: it cannot be written.
        """
        hashes = {kind: sorted(values) for kind, values in sorted(self.hashes.items())}
        content = {"key": _key_id(self._key), "hashes": hashes}
        try:
            write_private(folder / LIST_FILE, json.dumps(content, indent=1) + "\n")
        except OSError as error:
            raise _cannot_be_written(folder, error) from error

    @property
    def key_id(self) -> str:
        """Names the key without telling it."""
        return _key_id(self._key)

    def hashed(self, kind: str, value: object) -> str:
        """The keyed hash of a key or value."""
        text = f"{kind}\0{value}".encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()

    def pseudonym(self, kind: str, value: object) -> str:
        """What a key becomes that tells something of the person: always the same, and not to be found by trying names."""
        return _PSEUDONYM + self.hashed(f"pseudonym of {kind}", value)[:_PSEUDONYM_DIGITS]

    def erased_among(self, kind: str, keys: Iterable[str]) -> list[str]:
        """Of some keys, those of erased persons."""
        return [key for key in keys if self._is_suppressed(kind, key)]

    def without_persons(self, feed: Feed, rows: pa.Table) -> pa.Table:
        """The rows of a feed, without what is personal in those of erased persons."""
        entry = self._register.feeds.get(feed.label)
        mask = self.mask(feed, rows)
        if entry is None or entry.erasure is None or mask is None:
            return rows
        for name in entry.erased_columns:
            column = rows[name]
            if name in entry.erasure.replaced:
                changed = self._replaced(_kind_of(entry, name), column)
            else:
                instead = pa.scalar(entry.erasure.instead.get(name), column.type)
                changed = pc.if_else(mask, instead, column)
            rows = rows.set_column(
                rows.schema.get_field_index(name), rows.schema.field(name), changed
            )
        return rows

    def mask(self, feed: Feed, rows: pa.Table) -> pa.ChunkedArray | None:
        """Which rows are about an erased person; None if none is.

        Args:
            feed: of the rows.
            rows: with at least the columns that name persons.
        """
        entry = self._register.feeds.get(feed.label)
        masks = []
        for kind, name in entry.erasure.rows_of.items() if entry and entry.erasure else ():
            found = self._suppressed(kind, rows[name])
            if len(found):
                masks.append(pc.is_in(rows[name], value_set=found))
        if not masks:
            return None
        mask = masks[0]
        for other in masks[1:]:
            mask = pc.or_(mask, other)
        return mask

    def without_quotes(self, feed: Feed, quarantined: pa.Table) -> pa.Table:
        """Quarantined lines of a feed: those that mention an erased person lose text and reason."""
        lines = quarantined["raw_text"].to_pylist()
        batches = quarantined["batch_id"].to_pylist()
        mask = pa.array(
            [
                self._mentions(feed, batch, line or "")
                for batch, line in zip(batches, lines, strict=True)
            ],
            pa.bool_(),
        )
        if not pc.any(mask).as_py():
            return quarantined
        for name in ("reason", "raw_text"):
            index = quarantined.schema.get_field_index(name)
            changed = pc.if_else(mask, ERASED, quarantined[name])
            quarantined = quarantined.set_column(index, quarantined.schema.field(name), changed)
        return quarantined

    def _is_suppressed(self, kind: str, value: object) -> bool:
        answer = self._answers.get((kind, value))
        if answer is None:
            answer = self.hashed(kind, value) in self.hashes.get(kind, ())
            self._answers[kind, value] = answer
        return answer

    def _suppressed(self, kind: str, column: pa.ChunkedArray) -> pa.Array:
        """The different values of a column that are keys of erased persons."""
        if not self.hashes.get(kind):
            return pa.array([], column.type)
        values = column.unique().to_pylist()
        found = [each for each in values if each is not None and self._is_suppressed(kind, each)]
        return pa.array(found, column.type)

    def _replaced(self, kind: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        found = self._suppressed(kind, column)
        pseudonyms = pa.array(
            [self.pseudonym(kind, each) for each in found.to_pylist()], column.type
        )
        places = pc.index_in(column, value_set=found)
        return pc.coalesce(pc.take(pseudonyms, places), column)

    def _mentions(self, feed: Feed, batch: int, line: str) -> bool:
        parts = {part.strip() for part in _BETWEEN_VALUES.split(line)}
        if any(self._is_suppressed(VALUE, part) for part in parts):
            return True
        try:
            keys = list(self._keys_in(feed, batch, line))
        except csv.Error:
            # Longer than a value can be, say: nobody knows whom it mentions.
            return True
        return any(self._is_suppressed(kind, key) for kind, key in keys)

    def _keys_in(self, feed: Feed, batch: int, line: str) -> Iterator[tuple[str, str]]:
        """The keys of persons in a line that could not be read, as far as its form tells where they are."""
        entry = self._register.feeds.get(feed.label)
        erasure = entry.erasure if entry else None
        for kind, name in erasure.rows_of.items() if erasure else ():
            if feed.format == "xml":
                column = next(each for each in feed.columns if each.name == name)
                attribute = re.escape(column.place.rpartition("@")[2])
                for found in re.findall(rf"\b{attribute}\s*=\s*[\"']([^\"']*)", line):
                    yield kind, found.strip()
            elif feed.format == "delimited":
                names = [column.name for column in feed.layout(batch)]
                values = next(csv.reader([line], delimiter=feed.delimiter or ","), [])
                if name in names and len(values) > names.index(name):
                    yield kind, values[names.index(name)].strip()


def is_pseudonym(key: str) -> bool:
    """Whether a key stands for that of an erased person."""
    return key.startswith(_PSEUDONYM)


def _kind_of(entry: FeedEntry, column: str) -> str:
    """Whose key a column has."""
    assert entry.erasure is not None
    return next(kind for kind, name in entry.erasure.rows_of.items() if name == column)


def _register() -> Register:
    try:
        return Register.read(ROOT / FOLDER)
    except RegisterError as error:
        raise SuppressionError(
            f"who was erased cannot be left out of this load: {error}"
        ) from error


def _read_key(folder: Path) -> bytes | None:
    """The key from the environment, or else from its file; None if there is neither."""
    text = os.environ.get(KEY_VARIABLE, "").strip()
    where = KEY_VARIABLE
    path = folder / KEY_FILE
    if not text:
        where = str(path)
        try:
            text = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise SuppressionError(f"{path}: cannot be read: {error}") from error
    if len(text) < _SHORTEST_KEY:
        raise SuppressionError(
            f"{where}: the key has {len(text)} characters; it needs at least {_SHORTEST_KEY}, such as those of `openssl rand -hex 32`"
        )
    return text.encode()


def _new_key(folder: Path) -> bytes:
    text = secrets.token_hex(_SHORTEST_KEY)
    try:
        write_private(folder / KEY_FILE, text + "\n")
    except OSError as error:
        raise _cannot_be_written(folder, error) from error
    return text.encode()


def _key_id(key: bytes) -> str:
    """Names a key without telling it."""
    return hmac.new(key, b"\0", hashlib.sha256).hexdigest()[:16]


def _cannot_be_written(folder: Path, error: OSError) -> SuppressionError:
    return SuppressionError(
        f"{folder}: cannot be written: {error.strerror}; set ERASURES to a folder that can"
    )
