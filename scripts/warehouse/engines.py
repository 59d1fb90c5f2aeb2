"""The class of each engine.

Usage:
    with WAREHOUSES[Target.POSTGRES].temporary(folder) as warehouse:
        ...
"""

from scripts.warehouse.base import Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.postgres_warehouse import PostgresWarehouse
from scripts.warehouse.settings import Target

WAREHOUSES: dict[Target, type[Warehouse]] = {
    engine.target: engine for engine in (DuckDBWarehouse, PostgresWarehouse)
}
