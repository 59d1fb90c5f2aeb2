"""A policy says what another company gets, why, and until when. Each is a file of the folder `shares`; docs/sharing.md describes the keys.

Usage:
    for share in read_shares(Path("shares")):
        print(share.name, share.recipient, share.approved_until)
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml

from scripts.load.contracts import YAML_LOADER

FOLDER = Path("shares")
# Of Article 6(1) of the GDPR.
LEGAL_BASES = (
    "consent",
    "contract",
    "legal obligation",
    "vital interests",
    "public task",
    "legitimate interests",
)
# How addresses of databases begin, as destinations; all others are folders and buckets.
POSTGRES = ("postgres", "postgresql")
REDIS = ("redis", "rediss")
EACH_BATCH, ON_REQUEST = SCHEDULES = ("each batch", "on request")
# What a version does not depend on.
_OF_DELIVERIES = ("destination", "encrypted_to")
# Of age; what begins otherwise may be a secret key.
_PUBLIC_KEY = re.compile("age1[0-9a-z]{58}")
# In an address.
_SECRET = re.compile("@|[?&](?:user|password|passfile)=")
_NAME = re.compile("[a-z][a-z0-9_]{0,62}")

Value = TypeVar("Value")


class PolicyError(Exception):
    """A policy that cannot be understood; names the file and the key, and says what to write."""


class Format(StrEnum):
    """What a dump is written as; Parquet is always written, because changes are found in it."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON_LINES = "json_lines"


class Transformation(StrEnum):
    """What a personal column becomes before anybody gets it."""

    DROP = "drop"
    MASK = "mask"
    KEYED_HASH = "keyed_hash"
    YEAR = "year"
    BUCKET = "bucket"

    @property
    def reads_values(self) -> bool:
        """Whether it is made from true values, which only auditors see."""
        return self not in (Transformation.DROP, Transformation.MASK)


@dataclass(frozen=True)
class PersonalColumn:
    """A personal column that a policy names.

    Attributes:
        transformation: what it becomes.
        reason: why the recipient gets it, or does not.
        size: of a bucket.
    """

    transformation: Transformation
    reason: str
    size: int | None


@dataclass(frozen=True)
class SmallGroups:
    """Rows of small groups are withheld.

    Attributes:
        by: the columns that make a group: rows with the same values of them, as they are shared.
        minimum: of a group that is shared.
        counted: the column whose different values are counted; None to count rows.
    """

    by: tuple[str, ...]
    minimum: int
    counted: str | None


@dataclass(frozen=True)
class SharedTable:
    """What a policy shares of a table.

    Attributes:
        name: for the recipient.
        table: `schema.table` of what is published.
        columns: that are shared as they are.
        personal: personal columns, by name.
        rows: filters that all hold, by column, as in the API: `eq.Completed`.
        small_groups: the rule for them; None if there is none.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    personal: dict[str, PersonalColumn]
    rows: dict[str, tuple[str, ...]]
    small_groups: SmallGroups | None

    @property
    def shared(self) -> frozenset[str]:
        """The columns that the recipient gets, in whatever form."""
        given = (
            name
            for name, column in self.personal.items()
            if column.transformation is not Transformation.DROP
        )
        return frozenset((*self.columns, *given))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that the policy says of the table."""
        return _digest(asdict(self))


@dataclass(frozen=True)
class Share:
    """A policy.

    Attributes:
        name: of the share; that of its file.
        recipient: who gets it, as a name of a folder.
        title: for people.
        purpose: what the recipient needs it for.
        legal_basis: of Article 6(1) of the GDPR.
        owner: who answers questions about it.
        approved_by: who has allowed it.
        approved_on: the day on which that was.
        approved_until: the last day on which it may be built.
        schedule: `each batch`, or `on request`.
        formats: of the dumps.
        retention: how many versions stay besides the current one.
        destination: where the recipient fetches it, besides our folder: a path or URI; None if that is nowhere.
        encrypted_to: the public key of the recipient, for files that are taken there; None if they are not encrypted.
        tables: by their names for the recipient.
    """

    name: str
    recipient: str
    title: str
    purpose: str
    legal_basis: str
    owner: str
    approved_by: str
    approved_on: date
    approved_until: date
    schedule: str
    formats: tuple[Format, ...]
    retention: int
    destination: str | None
    encrypted_to: str | None
    tables: dict[str, SharedTable]

    @property
    def label(self) -> str:
        """Its name in messages."""
        return f"{self.recipient}/{self.name}"

    @property
    def role(self) -> str:
        """Who reads for it: an analyst, unless something is made of true values of personal columns, or they may be counted."""
        is_true = any(
            column.transformation.reads_values
            for table in self.tables.values()
            for column in table.personal.values()
        )
        groups = (table.small_groups for table in self.tables.values())
        return "auditor" if is_true or any(each and each.counted for each in groups) else "analyst"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that it says but how it is taken to its destination; words in other places of the file do not change it."""
        said = {key: value for key, value in asdict(self).items() if key not in _OF_DELIVERIES}
        return _digest(said)


def is_name(text: str) -> bool:
    """Whether a text can be the name of a recipient, a share or a table: lower case letters, digits and `_`."""
    return _NAME.fullmatch(text) is not None


def scheme_of(destination: str) -> str:
    """How an address begins; empty if it is a path."""
    scheme, separator, _ = destination.partition("://")
    return scheme if separator else ""


def _digest(said: dict[str, Any]) -> str:
    content = json.dumps(said, default=date.isoformat, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def read_shares(folder: Path = FOLDER) -> list[Share]:
    """All policies of a folder, by name. Files whose names begin with `_` are none.

    Raises:
        PolicyError: one of them cannot be understood.
    """
    return [read_share(file) for file in share_files(folder)]


def share_files(folder: Path = FOLDER) -> list[Path]:
    """The files of the policies of a folder."""
    return sorted(file for file in folder.glob("*.yml") if not file.name.startswith("_"))


def read_share(file: Path) -> Share:
    """The policy of a file.

    Raises:
        PolicyError: it cannot be understood.
    """
    given = Given.of_file(file)
    share = Share(
        name=_named(file.stem, str(file)),
        recipient=_named(given.text("recipient"), f"{file}: recipient"),
        title=given.text("title"),
        purpose=given.text("purpose"),
        legal_basis=given.one_of("legal_basis", LEGAL_BASES),
        owner=given.text("owner"),
        approved_by=given.text("approved_by"),
        approved_on=given.day("approved_on"),
        approved_until=given.day("approved_until"),
        schedule=given.one_of("schedule", SCHEDULES),
        formats=tuple(Format(text) for text in given.names("formats", tuple(Format))),
        retention=given.number("retention", at_least=1),
        destination=given.text("destination") if "destination" in given.keys else None,
        encrypted_to=given.text("encrypted_to") if "encrypted_to" in given.keys else None,
        tables={
            name: _table(_named(name, f"{file}: tables"), each)
            for name, each in given.parts("tables").items()
        },
    )
    given.nothing_else()
    if not share.tables:
        raise PolicyError(f"{file}: tables: name at least one table")
    if share.destination and _SECRET.search(share.destination):
        raise PolicyError(
            f"{file}: destination: no user and no password here; they come from the environment"
        )
    if share.encrypted_to and not _PUBLIC_KEY.fullmatch(share.encrypted_to):
        # It is not repeated: it may be a secret.
        raise PolicyError(f"{file}: encrypted_to: no public key of age; it begins with age1")
    scheme = scheme_of(share.destination or "")
    if share.encrypted_to and (not share.destination or scheme in (*POSTGRES, *REDIS)):
        raise PolicyError(
            f"{file}: encrypted_to: only files that are taken to a folder or bucket are encrypted; name one as destination"
        )
    if Format.PARQUET not in share.formats:
        raise PolicyError(f"{file}: formats: parquet is always written; name it")
    return share


def _table(name: str, given: "Given") -> SharedTable:
    personal = {key: _personal(each) for key, each in given.parts("personal").items()}
    rows = {key: given.part("rows").names(key) for key in given.part("rows").keys}
    groups = given.part("small_groups") if "small_groups" in given.keys else None
    table = SharedTable(
        name=name,
        table=given.text("table"),
        columns=given.names("columns"),
        personal=personal,
        rows=rows,
        small_groups=_small_groups(groups) if groups else None,
    )
    given.nothing_else()
    if twice := sorted(personal.keys() & set(table.columns)):
        raise PolicyError(
            f"{given.place}: {', '.join(twice)}: in columns and in personal; leave it in personal only"
        )
    return table


def _personal(given: "Given") -> PersonalColumn:
    transformation = Transformation(given.one_of("transformation", tuple(Transformation)))
    is_bucket = transformation is Transformation.BUCKET
    column = PersonalColumn(
        transformation=transformation,
        reason=given.text("reason"),
        size=given.number("size", at_least=1) if is_bucket else None,
    )
    given.nothing_else()
    return column


def _small_groups(given: "Given") -> SmallGroups:
    groups = SmallGroups(
        by=given.names("by"),
        minimum=given.number("minimum", at_least=2),
        counted=given.text("counted") if "counted" in given.keys else None,
    )
    given.nothing_else()
    if not groups.by:
        raise PolicyError(f"{given.place}: by: name at least one column")
    return groups


def _named(text: str, place: str) -> str:
    """A text that can be the name of a folder and of a file."""
    if not is_name(text):
        raise PolicyError(
            f"{place}: {text!r} is no name; write at most 63 lower case letters, digits and `_`"
        )
    return text


class Given:
    """A part of a file of YAML, of which everything must be understood.

    Attributes:
        place: the file, and the keys that lead to the part.
        keys: that it has.
    """

    def __init__(self, place: str, values: object) -> None:
        if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
            raise PolicyError(f"{place}: write keys with their values, as `key: value`")
        self.place = place
        self._values: Mapping[str, Any] = values
        self.keys = list(values)
        self._understood: set[str] = set()

    @classmethod
    def of_file(cls, file: Path) -> "Given":
        """All of a file.

        Raises:
            PolicyError: it cannot be read, or is no YAML.
        """
        try:
            return cls(str(file), _loaded(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise PolicyError(f"{file}: {error.strerror}") from error
        except (yaml.YAMLError, ValueError) as error:
            text = " ".join(str(error).split())
            raise PolicyError(f"{file}: not YAML: {text}") from error

    def text(self, key: str) -> str:
        """A text that says something."""

        def read(value: object) -> str | None:
            return value.strip() or None if isinstance(value, str) else None

        return self._read(key, read, "text")

    def number(self, key: str, at_least: int) -> int:
        """A whole number."""

        def read(value: object) -> int | None:
            is_number = isinstance(value, int) and not isinstance(value, bool)
            return value if is_number and value >= at_least else None  # type: ignore[operator,return-value]

        return self._read(key, read, f"a whole number, at least {at_least}")

    def day(self, key: str) -> date:
        """A day."""
        return self._read(
            key, lambda value: value if type(value) is date else None, "a day, as 2027-06-30"
        )

    def one_of(self, key: str, known: tuple[str, ...]) -> str:
        """A text of a list."""

        def read(value: object) -> str | None:
            return value if isinstance(value, str) and value in known else None

        return self._read(key, read, f"one of {', '.join(known)}")

    def names(self, key: str, known: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts, each once; a text alone is a list of one."""
        wanted = f"a list, each once, of {', '.join(known)}" if known else "a list, each once"

        def read(value: object) -> tuple[str, ...] | None:
            items = [value] if isinstance(value, str) else value
            if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
                return None
            is_known = known is None or set(items) <= set(known)
            return tuple(items) if is_known and len(set(items)) == len(items) else None

        return self._read(key, read, wanted)

    def part(self, key: str) -> "Given":
        """A part with keys of its own; without keys if it is not there."""
        self._understood.add(key)
        return Given(f"{self.place}: {key}", self._values.get(key) or {})

    def parts(self, key: str) -> dict[str, "Given"]:
        """Parts with keys of their own, by key."""
        part = self.part(key)
        return {name: part.part(name) for name in part.keys}

    def nothing_else(self) -> None:
        """All has been understood.

        Raises:
            PolicyError: there are keys that mean nothing.
        """
        if unknown := [key for key in self.keys if key not in self._understood]:
            known = ", ".join(sorted(self._understood))
            raise PolicyError(f"{self.place}: {', '.join(unknown)}: there are only {known}")

    def _read(
        self,
        key: str,
        read: Callable[[Any], Value | None],
        wanted: str,
    ) -> Value:
        self._understood.add(key)
        if key not in self._values:
            raise PolicyError(f"{self.place}: {key} is missing; write {wanted}")
        value = read(self._values[key])
        if value is None:
            raise PolicyError(f"{self.place}: {key}: {self._values[key]!r}; write {wanted}")
        return value


class _Strict(YAML_LOADER):  # type: ignore[misc,valid-type]
    """Refuses a key that is there twice, of which YAML would take the last."""


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    if twice := [str(key) for key in dict.fromkeys(keys) if keys.count(key) > 1]:
        raise ValueError(f"{', '.join(twice)} is there twice, line {node.start_mark.line + 1}")
    return dict(yaml.SafeLoader.construct_mapping(loader, node, deep=True))


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _loaded(text: str) -> object:
    return yaml.load(text, Loader=_Strict)
