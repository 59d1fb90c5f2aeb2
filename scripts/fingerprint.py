"""Fingerprints of tables: equal exactly if the tables hold the same rows, in whatever order and on whatever engine.

Usage:
    python -m scripts.fingerprint                                  every table of data/lake
    python -m scripts.fingerprint --warehouse data/warehouse.duckdb
    python -m scripts.fingerprint --postgres                       the database that PGHOST, PGDATABASE, ... name
    diff <(python -m scripts.fingerprint --lake a) <(python -m scripts.fingerprint --lake b)

Prints one line a table: its name, the number of rows, the fingerprint. When something was loaded, and
how long that took, is left out (LOAD_COLUMNS), and so are snapshots: two builds of the same sources are
equal.

The recipe is the same on every engine. Each row becomes one text: its values by the name of their column,
separated by U+001F, NULL as U+001E. Values are cast to text, except where engines write the same value in
two ways: decimals lose the zeros at their end, floats have 15 digits, lists have their length in front and
U+001D between items. The first 60 bits of the MD5 of this text are a number, and the fingerprint is the sum
of these numbers, so a row that is there twice counts twice.

Exit codes: 0, or 2 if there is no such lake or warehouse, it cannot be read, or another program has it open.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import duckdb
import psycopg2
import typer

from scripts.load.connection import ConnectionSettings, PostgresError

# Differ from run to run of the same sources.
LOAD_COLUMNS = ("loaded_at", "message_date_and_time", "seconds")


class Fingerprint(NamedTuple):
    """What a table holds: the number of its rows, and a digest of them as a decimal number."""

    rows: int
    digest: str


class Engine(ABC):
    """The recipe, on a connection of one engine; what stands in a subclass is what engines write differently."""

    # In front of the types that `_columns` reports for numbers with a point.
    decimal_type: ClassVar[str]
    float_type: ClassVar[str]
    # SQL, with the value as `{0}`.
    float_text: ClassVar[str]
    list_text: ClassVar[str]
    first_60_bits: ClassVar[str]

    def fingerprint(self, relation: str) -> Fingerprint:
        """The fingerprint of a relation, given as it stands in a FROM clause."""
        rows, digest = self._query(
            f"select count(*), coalesce(sum(cast({self.first_60_bits.format('md5(row_text)')} as decimal(38, 0))), 0)"
            f" from ({self._row_texts(relation)}) as rows"
        )[0]
        return Fingerprint(rows, str(digest))

    def row_texts(self, relation: str) -> list[str]:
        """The canonical texts of all rows, sorted: to see in what two tables with different fingerprints differ."""
        return sorted(text for (text,) in self._query(self._row_texts(relation)))

    def tables(self) -> list[tuple[str, str]]:
        """Schema and name of every table, without views.

        Snapshots are left out: they tell when builds ran (docs/decisions/0010-a-snapshot-of-what-was-published.md).
        """
        return self._query(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
            " and table_catalog = current_database()"
            " and table_schema not in ('information_schema', 'pg_catalog', 'snapshots') order by table_schema, table_name"
        )

    def all_fingerprints(self) -> dict[str, Fingerprint]:
        """The fingerprint of every table, by `schema.table`."""
        return {
            f"{schema}.{table}": self.fingerprint(f'"{schema}"."{table}"')
            for schema, table in self.tables()
        }

    def columns(self, relation: str) -> list[str]:
        """The columns that count, in the order in which their values stand in the text of a row."""
        return sorted(name for name in self._columns(relation) if name not in LOAD_COLUMNS)

    def _row_texts(self, relation: str) -> str:
        types = self._columns(relation)
        values = [
            f"coalesce({self._value_text(name, types[name])}, chr(30))"
            for name in self.columns(relation)
        ]
        row_text = " || chr(31) || ".join(values) or "''"
        return f"select {row_text} as row_text from {relation}"

    def _value_text(self, name: str, data_type: str) -> str:
        text = f'cast("{name}" as varchar)'
        if data_type.endswith("[]"):
            return self.list_text.format(f'"{name}"')
        if data_type.startswith(self.float_type):
            return self.float_text.format(f'"{name}"')
        if data_type.startswith(self.decimal_type):
            return (
                f"case when {text} like '%.%' then rtrim(rtrim({text}, '0'), '.') else {text} end"
            )
        return text

    @abstractmethod
    def _query(self, sql: str) -> list[Any]:
        """All rows of a query."""

    @abstractmethod
    def _columns(self, relation: str) -> dict[str, str]:
        """The types of the columns of a relation, by name."""


class DuckDB(Engine):
    """The recipe on DuckDB."""

    decimal_type = "DECIMAL"
    float_type = "DOUBLE"
    float_text = "format('{{:.14e}}', {0})"
    list_text = (
        "cast(len({0}) as varchar) || chr(29)"
        " || array_to_string([coalesce(item, chr(30)) for item in {0}], chr(29))"
    )
    # 15 hexadecimal digits are the most that fit a bigint; the sum of them needs more.
    first_60_bits = "cast('0x' || left({0}, 15) as bigint)"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def _query(self, sql: str) -> list[Any]:
        return self._connection.execute(sql).fetchall()

    def _columns(self, relation: str) -> dict[str, str]:
        return {name: kind for name, kind, *_ in self._query(f"describe select * from {relation}")}


class Postgres(Engine):
    """The recipe on Postgres; the connection is one of psycopg2."""

    decimal_type = "numeric"
    float_type = "double"
    float_text = "trim(to_char({0}, '9.99999999999999EEEE'))"
    list_text = (
        "cast(cardinality({0}) as varchar) || chr(29) || array_to_string({0}, chr(29), chr(30))"
    )
    first_60_bits = "cast(cast('x' || left({0}, 15) as bit(60)) as bigint)"

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def _query(self, sql: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            found: list[Any] = cursor.fetchall()
        return found

    def _columns(self, relation: str) -> dict[str, str]:
        return dict(
            self._query(
                "select attname, format_type(atttypid, atttypmod) from pg_attribute"
                f" where attrelid = {_quoted(relation)}::regclass and attnum > 0 and not attisdropped"
            )
        )


def fingerprint_lake(lake: Path) -> dict[str, Fingerprint]:
    """The fingerprint of each table of a lake, by `system.table`.

    Raises:
        FileNotFoundError: there is no lake in this folder.
    """
    folders = sorted({path.parents[1] for path in lake.glob("*/*/batch_id=*/*.parquet")})
    if not folders:
        raise FileNotFoundError(f"{lake}: no lake in this folder; load one with scripts.load")
    with duckdb.connect() as connection:
        return {
            f"{folder.parent.name}.{folder.name}": DuckDB(connection).fingerprint(
                f"read_parquet({_quoted(f'{folder}/*/*.parquet')})"
            )
            for folder in folders
        }


def fingerprint_warehouse(warehouse: Path) -> dict[str, Fingerprint]:
    """The fingerprint of each table of a DuckDB warehouse (not of its views), by `schema.table`.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not warehouse.is_file():
        raise FileNotFoundError(f"{warehouse}: no such warehouse; build one with `make build`")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return DuckDB(connection).all_fingerprints()


def fingerprint_postgres() -> dict[str, Fingerprint]:
    """The fingerprint of each table (not of its views) of the database that the environment names, by `schema.table`.

    Raises:
        PostgresError: PGPORT is not a number.
        psycopg2.Error: it cannot be reached or read.
    """
    connection = psycopg2.connect(ConnectionSettings.from_environment().uri)
    try:
        return Postgres(connection).all_fingerprints()
    finally:
        connection.close()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main(
    lake: Annotated[Path, typer.Option(envvar="LAKE", help="The lake.")] = Path("data/lake"),
    warehouse: Annotated[
        Path | None, typer.Option(help="A DuckDB warehouse, instead of the lake.")
    ] = None,
    postgres: Annotated[
        bool, typer.Option("--postgres", help="The Postgres database, instead of the lake.")
    ] = False,
) -> None:
    """Print the number of rows and a fingerprint of every table of a lake or of a warehouse."""
    try:
        if postgres:
            tables = fingerprint_postgres()
        elif warehouse:
            tables = fingerprint_warehouse(warehouse)
        else:
            tables = fingerprint_lake(lake)
    # DuckDB's own words name the file that cannot be read, or the process that has the warehouse open.
    except (FileNotFoundError, duckdb.Error, PostgresError, psycopg2.Error) as error:
        typer.secho(f"fingerprint: {str(error).strip()}", fg="red", err=True)
        raise typer.Exit(2) from error
    for name, table in tables.items():
        typer.echo(f"{name}\t{table.rows}\t{table.digest}")


if __name__ == "__main__":
    typer.run(main)
