"""What readers may ask of what is published, on any engine, and what can go wrong.

Usage:
    with published.opened("analyst") as session:
        rows = session.query(f"select * from {session.relation('marts.dim_trade')} where trade_id = ?", [1])
        for batch in session.batches(f"select * from {session.relation('marts.dim_trade')}"):
            print(batch.num_rows)
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from scripts.publish.manifest import Manifest
from scripts.publish.tables import PublishedTable
from scripts.warehouse.settings import Target

if TYPE_CHECKING:
    import pyarrow as pa

    from scripts.serve.declarations import Declarations

ROWS_OF_A_BATCH = 10_000
_QUOTED_OR_PLACE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\?|%""")


class ServeError(Exception):
    """Readers cannot have what they ask for: says why, and what to do."""


class UnavailableError(ServeError):
    """Nothing can be read now; trying again later helps."""


class NothingPublishedError(UnavailableError):
    """No version was published yet."""


class VersionGoneError(ServeError):
    """The version that was asked for has been removed; ask for the current one."""


class NotAllowedError(ServeError):
    """The role may not read it, or there is no such thing: who may not read a table is not told whether it exists."""


class TooExpensiveError(ServeError):
    """It takes more time or memory than a reader may use."""


@dataclass(frozen=True)
class Limits:
    """What one reader may use.

    Attributes:
        seconds: for all statements of a session together.
        memory: of all sessions of a version together, for DuckDB; a server has limits of its own.
        threads: the same.
        sessions: how many may be open at the same time; others wait.
        statements: how many run at the same time, for DuckDB, so that they fit into the memory together; others wait.
        wait_seconds: how long they wait.
    """

    seconds: float = 30
    memory: str = "1GB"
    threads: int = 2
    sessions: int = 16
    statements: int = 4
    wait_seconds: float = 10


class Session(ABC):
    """One version, read as a role. For one thread at a time.

    Attributes:
        target: the engine.
        manifest: of the version.
        role: who reads.
        tables: what the role may read of this version, by `schema.table`.
    """

    target: ClassVar[Target]

    def __init__(
        self,
        manifest: Manifest,
        role: str,
        tables: Mapping[str, PublishedTable],
        relations: Mapping[str, str],
    ) -> None:
        self.manifest = manifest
        self.role = role
        self.tables = tables
        self._relations = relations

    def relation(self, name: str) -> str:
        """A table as written in a FROM clause, given its name `schema.table`; personal columns are masked unless the role may see them.

        Raises:
            NotAllowedError: the role may not read it, or it is not in this version.
        """
        try:
            return self._relations[name]
        except KeyError:
            raise NotAllowedError(
                f"{name}: no such table in version {self.manifest.version} for role {self.role}"
            ) from None

    @abstractmethod
    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement, all in memory.

        Args:
            statement: names tables with `relation`; each `?` outside of quotes stands for a value.
            parameters: the values.

        Raises:
            ServeError: see the kinds of it above.
            duckdb.Error, psycopg2.Error: the statement is wrong.
        """

    @abstractmethod
    def batches(
        self,
        statement: str,
        parameters: Sequence[Any] = (),
        rows: int = ROWS_OF_A_BATCH,
    ) -> "pa.RecordBatchReader":
        """The same as Arrow, batch by batch, while the session is open: memory is that of a batch, however large the answer is."""

    def arrow(self, statement: str, parameters: Sequence[Any] = ()) -> "pa.Table":
        """The same as one table of Arrow, in memory; `.to_pandas()` makes a data frame of it."""
        return self.batches(statement, parameters).read_all()

    @abstractmethod
    def keep(self) -> None:
        """Keep the version readable for some minutes after this session: somebody will come back for the rest of an answer."""

    @abstractmethod
    def interrupt(self) -> None:
        """End the statement that is running, from another thread; it raises `TooExpensiveError`."""


class Published(ABC):
    """What is published on an engine. For any number of threads, for as long as the program runs.

    Attributes:
        target: the engine.
        declarations: what is declared today; it decides who may read what.
        limits: of each session.
    """

    target: ClassVar[Target]

    def __init__(self, declarations: "Declarations", limits: Limits) -> None:
        self.declarations = declarations
        self.limits = limits

    @abstractmethod
    def current(self) -> Manifest:
        """The manifest of the version that readers have now.

        Raises:
            NothingPublishedError: there is none yet.
            UnavailableError: it cannot be read.
        """

    @abstractmethod
    def opened(
        self, role: str, version: str | None = None, seconds: float | None = None
    ) -> AbstractContextManager[Session]:
        """Open a version as a role.

        Args:
            role: such as `analyst`: a role of the database without its prefix.
            version: one that was current before; None for the current one.
            seconds: for all statements together; None for those of the limits.

        Raises:
            NothingPublishedError: there is none yet.
            VersionGoneError: it has been removed.
            NotAllowedError: there is no such role, or this program may not read what the role reads.
            UnavailableError: it cannot be read now.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what is open; sessions in use end with an error."""


def tables_of(
    declarations: "Declarations", role: str, published: Sequence[str]
) -> Iterator[PublishedTable]:
    """What a role may read of a version: what is declared for it today, and published."""
    there = set(published)
    return (table for name, table in declarations.readable_by(role).items() if name in there)


@lru_cache(maxsize=1024)
def with_places(statement: str, place: str) -> str:
    """A statement with another mark than `?` where values belong; `%` has a meaning beside `%s`."""

    def changed(found: re.Match[str]) -> str:
        text = found[0]
        if text == "?":
            return place
        return text.replace("%", "%%") if place == "%s" else text

    return _QUOTED_OR_PLACE.sub(changed, statement)
