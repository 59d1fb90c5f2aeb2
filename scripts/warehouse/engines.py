"""The class of each engine.

Usage:
    from_environment(Target.DUCKDB).query("select count(*) from marts.dim_trade")
    with WAREHOUSES[Target.POSTGRES].temporary(folder) as warehouse:
        ...
"""

import re
from pathlib import Path

import duckdb
import psycopg2

from scripts.postgres_server import PostgresServer
from scripts.warehouse.base import ReplaceableWarehouse, Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import PostgresError, Target, setting
from scripts.warehouse.spark_warehouse import SparkError, SparkWarehouse

# Those that can be made for a test or a benchmark, and thrown away.
WAREHOUSES: dict[Target, type[ReplaceableWarehouse]] = {
    engine.target: engine for engine in (DuckDBWarehouse, PostgresWarehouse)
}

# What is raised if a warehouse cannot be opened or read.
UNUSABLE = (PostgresError, psycopg2.Error, duckdb.Error, SparkError)


# What engines, lake and loader say while somebody else has the warehouse, or the server is away for a moment.
_PASSING = re.compile(
    "lock on file|wait for it to end|connection refused|server closed the connection|connection was lost|connection has been closed"
    "|terminating connection|database system is|connection slots|too many clients|timeout expired|deadlock detected|lock timeout"
    "|could not serialize access|has held a table for long",
    re.IGNORECASE,
)


def passes_by_itself(message: str) -> bool:
    """Whether trying again later may help: the warehouse or the lake is in use, or the database is away. Not for a red test or a bad file."""
    return bool(_PASSING.search(message))


def from_environment(target: Target) -> Warehouse:
    """The warehouse that dbt builds for a target, from the same variables with the same defaults.

    Raises:
        PostgresError: PGPORT is not a number.
    """
    if target == Target.POSTGRES:
        return PostgresWarehouse(PostgresServer.from_environment())
    if target == Target.SPARK:
        return SparkWarehouse.from_environment()
    return DuckDBWarehouse(Path(setting("WAREHOUSE")))
