"""Fingerprints of tables: equal exactly if the tables hold the same rows, in whatever order.

Usage:
    python -m scripts.fingerprint                                  every table of data/lake
    python -m scripts.fingerprint --warehouse data/warehouse.duckdb
    diff <(python -m scripts.fingerprint --lake a) <(python -m scripts.fingerprint --lake b)

Prints one line a table: its name, the number of rows, the fingerprint. When something was loaded, and
how long that took, is left out (`loaded_at`, `seconds`): two builds of the same sources are equal.

The recipe fits every engine: each row becomes one text (values cast to text, NULL as U+001E, separated
by U+001F, columns by name), the first 60 bits of the MD5 of this text are a number, and the
fingerprint is the sum of these numbers, so a row that is there twice counts twice. Only floating point
numbers and lists have another text on other engines.

Exit codes: 0, or 2 if there is no such lake or warehouse.
"""

from pathlib import Path
from typing import Annotated, NamedTuple

import duckdb
import typer

# Differ from run to run of the same sources.
LOAD_COLUMNS = ("loaded_at", "seconds")


class Fingerprint(NamedTuple):
    """What a table holds: the number of its rows, and a digest of them as a decimal number."""

    rows: int
    digest: str


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
            f"{folder.parent.name}.{folder.name}": _fingerprint(
                connection, f"read_parquet({_quoted(f'{folder}/*/*.parquet')})"
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
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_type = 'BASE TABLE' and table_catalog = current_database() order by all"
        ).fetchall()
        return {
            f"{schema}.{table}": _fingerprint(connection, f'"{schema}"."{table}"')
            for schema, table in tables
        }


def row_text(columns: list[str]) -> str:
    """The SQL expression for the canonical text of a row."""
    values = [f'coalesce(cast("{name}" as varchar), chr(30))' for name in sorted(columns)]
    return " || chr(31) || ".join(values) or "''"


def _fingerprint(connection: duckdb.DuckDBPyConnection, relation: str) -> Fingerprint:
    described = connection.execute(f"describe select * from {relation}").fetchall()
    columns = [name for name, *_ in described if name not in LOAD_COLUMNS]
    # 15 hexadecimal digits are the most that fit a bigint; the sum needs more and is a decimal.
    rows, digest = connection.execute(
        "select count(*), coalesce(sum(cast(cast('0x' || left(md5(row_text), 15) as bigint)"
        f" as decimal(38, 0))), 0) from (select {row_text(columns)} as row_text from {relation})"
    ).fetchall()[0]
    return Fingerprint(rows, str(digest))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main(
    lake: Annotated[Path, typer.Option(envvar="LAKE", help="The lake.")] = Path("data/lake"),
    warehouse: Annotated[
        Path | None, typer.Option(help="A DuckDB warehouse, instead of the lake.")
    ] = None,
) -> None:
    """Print the number of rows and a fingerprint of every table of a lake or of a warehouse."""
    try:
        tables = fingerprint_warehouse(warehouse) if warehouse else fingerprint_lake(lake)
    except FileNotFoundError as error:
        typer.secho(f"fingerprint: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
    for name, table in tables.items():
        typer.echo(f"{name}\t{table.rows}\t{table.digest}")


if __name__ == "__main__":
    typer.run(main)
