"""The database of the brokerage: its tables are those of the contracts, and change as the daily files say.

Usage:
    database = Database(server, feeds)
    database.deliver(folder, batch=1)
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from psycopg2 import sql

from scripts.load.contracts import Feed
from scripts.load.sources import SourceFolder
from scripts.postgres_server import PostgresServer

# The change number is a column of the tables, as a database that stamps its rows has it; the flag says what happened, and is none.
_FLAG = "cdc_flag"
_LINES_IN_A_TRANSACTION = 7
_LINES_AT_ONCE = 1 << 20


class Database:
    """The tables of some feeds on a server; an update finds its row by the first column that is required."""

    def __init__(self, server: PostgresServer, feeds: Sequence[Feed]) -> None:
        self._server = server
        self._feeds = [feed for feed in feeds if feed.origin]
        self._known: dict[str, set[str]] = {}

    @property
    def address(self) -> str:
        """For psycopg2."""
        return self._server.uri("brokerage warehouse")

    def create(self, folder: SourceFolder) -> None:
        """Create the tables, with the rows that were there before the first file."""
        with closing(self._server.connect()) as connection, connection.cursor() as cursor:
            for feed in self._feeds:
                columns = [
                    sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.data_type))
                    for column in feed.columns
                    if column.name != _FLAG
                ]
                table = _table(feed)
                cursor.execute(
                    sql.SQL("create table {} ({})").format(table, sql.SQL(", ").join(columns))
                )
                cursor.execute(sql.SQL("alter table {} replica identity full").format(table))
                cursor.execute(
                    sql.SQL("create index on {} ({})").format(table, sql.Identifier(_key(feed)))
                )
                if feed.batches == "incremental":
                    self._insert_earlier(cursor, feed, folder)

    def _insert_earlier(self, cursor: Any, feed: Feed, folder: SourceFolder) -> None:
        """Insert the rows that are updated later, and came in no file before: the rest of the company knows them already."""
        names = [column.name for column in feed.columns]
        flag, key = names.index(_FLAG), names.index(_key(feed))
        inserted: set[str] = set()
        for batch in folder.batches:
            for line in _lines(feed, folder, batch) if feed.comes_in(batch) else ():
                values = line.split(feed.delimiter)
                if values[flag] == "U" and values[key] not in inserted:
                    # Something about it is about to change.
                    _insert(cursor, feed, names, values)
                inserted.add(values[key])

    def deliver(self, folder: SourceFolder, batch: int) -> None:
        """Do to the tables what the files of a batch say."""
        with closing(self._server.connect()) as connection, connection.cursor() as cursor:
            for feed in self._feeds:
                if not feed.comes_in(batch):
                    continue
                if batch == 1:
                    self._copy(cursor, feed, folder)
                else:
                    self._change(cursor, feed, folder, batch)

    def _copy(self, cursor: Any, feed: Feed, folder: SourceFolder) -> None:
        names = sql.SQL(", ").join(sql.Identifier(column.name) for column in feed.layout(1))
        statement = sql.SQL(
            "copy {} ({}) from stdin (format csv, delimiter {}, quote E'\\x01', null '')"
        ).format(_table(feed), names, sql.Literal(feed.delimiter))
        for file in folder.files_of(feed, 1):
            with folder.open(file) as stream:
                cursor.copy_expert(statement.as_string(cursor), stream)

    def _change(self, cursor: Any, feed: Feed, folder: SourceFolder, batch: int) -> None:
        names = [column.name for column in feed.layout(batch)]
        lines = iter(_lines(feed, folder, batch))
        while some := list(islice(lines, _LINES_IN_A_TRANSACTION)):
            cursor.execute("begin")
            for line in some:
                values = line.split(feed.delimiter)
                do = _update if values[names.index(_FLAG)] == "U" else _insert
                do(cursor, feed, names, values)
            cursor.execute("commit")


_Change = Callable[[Any, Feed, list[str], list[str]], None]


def _insert(cursor: Any, feed: Feed, names: list[str], values: list[str]) -> None:
    pairs = _pairs(names, values)
    cursor.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            _table(feed),
            sql.SQL(", ").join(map(sql.Identifier, pairs)),
            sql.SQL(", ").join([sql.Placeholder()] * len(pairs)),
        ),
        list(pairs.values()),
    )


def _update(cursor: Any, feed: Feed, names: list[str], values: list[str]) -> None:
    pairs = _pairs(names, values)
    assignments = [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in pairs]
    cursor.execute(
        sql.SQL("update {} set {} where {} = %s").format(
            _table(feed), sql.SQL(", ").join(assignments), sql.Identifier(_key(feed))
        ),
        [*pairs.values(), pairs[_key(feed)]],
    )
    if cursor.rowcount != 1:
        raise LookupError(
            f"{feed.label}: {cursor.rowcount} rows with {_key(feed)} {pairs[_key(feed)]}, one expected"
        )


def _pairs(names: list[str], values: list[str]) -> dict[str, str | None]:
    return {name: value or None for name, value in zip(names, values, strict=True) if name != _FLAG}


def _lines(feed: Feed, folder: SourceFolder, batch: int) -> Iterator[str]:
    for file in folder.files_of(feed, batch):
        with folder.open(file) as stream:
            for line in stream:
                yield line.decode().rstrip("\r\n")


def _table(feed: Feed) -> sql.Identifier:
    assert feed.origin
    return sql.Identifier(*feed.origin["table"].split("."))


def _key(feed: Feed) -> str:
    return next(
        column.name for column in feed.columns if column.required and column.batches == "all"
    )
