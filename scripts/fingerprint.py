"""Fingerprints of tables: equal if and only if the tables hold the same rows, in any order and on any engine.

Usage:
    python -m scripts.fingerprint                                  every table of data/lake
    python -m scripts.fingerprint --warehouse data/warehouse.duckdb
    python -m scripts.fingerprint --postgres                       the database that PGHOST, PGDATABASE, ... name
    python -m scripts.fingerprint --spark                          the catalog that SPARK_WAREHOUSE, SPARK_CATALOG_URI name
    diff <(python -m scripts.fingerprint --lake a) <(python -m scripts.fingerprint --lake b)

Prints one line per table: its name, the number of rows, the fingerprint. Load times are left out, and so are the
schemas `snapshots` and `operations`, which record runs: two builds of the same sources are equal.

The recipe, which is the same on every engine, is in scripts/warehouse/fingerprints.py.

Exit codes: 0, or 2 if there is no such lake or warehouse, it cannot be read, or another program has it open.
"""

from pathlib import Path
from typing import Annotated

import duckdb
import psycopg2
import typer

from scripts.postgres_server import PostgresServer
from scripts.warehouse.base import RECORDS_OF_RUNS
from scripts.warehouse.duckdb_warehouse import IN_MEMORY, DuckDBWarehouse
from scripts.warehouse.fingerprints import Fingerprint
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import DEFAULTS, PostgresError
from scripts.warehouse.spark_warehouse import SparkError, SparkWarehouse


def fingerprint_lake(lake: Path) -> dict[str, Fingerprint]:
    """The fingerprint of each table of a lake, by `system.table`, except those that record runs.

    Raises:
        FileNotFoundError: there is no lake in this folder.
    """
    folders = sorted({path.parents[1] for path in lake.glob("*/*/batch_id=*/*.parquet")})
    if not folders:
        raise FileNotFoundError(f"{lake}: no lake in this folder; load one with scripts.load")
    return DuckDBWarehouse(IN_MEMORY).fingerprints(
        {
            f"{folder.parent.name}.{folder.name}": f"read_parquet({_quoted(f'{folder}/*/*.parquet')})"
            for folder in folders
            if not f"{folder.parent.name}.".startswith(RECORDS_OF_RUNS)
        }
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main(
    lake: Annotated[Path, typer.Option(envvar="LAKE", help="The lake.")] = Path(DEFAULTS["LAKE"]),
    warehouse: Annotated[
        Path | None, typer.Option(help="A DuckDB warehouse, instead of the lake.")
    ] = None,
    postgres: Annotated[
        bool, typer.Option("--postgres", help="The Postgres database, instead of the lake.")
    ] = False,
    spark: Annotated[
        bool, typer.Option("--spark", help="The warehouse on Spark, instead of the lake.")
    ] = False,
) -> None:
    """Print the number of rows and a fingerprint of every table of a lake or of a warehouse."""
    try:
        if postgres:
            tables = PostgresWarehouse(PostgresServer.from_environment()).fingerprints()
        elif spark:
            tables = SparkWarehouse.from_environment().fingerprints()
        elif warehouse:
            tables = DuckDBWarehouse(warehouse).fingerprints()
        else:
            tables = fingerprint_lake(lake)
    # The message of DuckDB names the file that cannot be read, or the process that has the warehouse open.
    except (FileNotFoundError, duckdb.Error, PostgresError, psycopg2.Error, SparkError) as error:
        typer.secho(f"fingerprint: {str(error).strip()}", fg="red", err=True)
        raise typer.Exit(2) from error
    for name, table in tables.items():
        typer.echo(f"{name}\t{table.rows}\t{table.digest}")


if __name__ == "__main__":
    typer.run(main)
