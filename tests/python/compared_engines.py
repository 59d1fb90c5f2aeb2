"""Which tables are not the same in two warehouses.

Usage:
    assert differing_tables(on_duckdb, on_spark) == {}
"""

from scripts.warehouse.base import Warehouse
from scripts.warehouse.fingerprints import Fingerprint

LAYERS = ("raw_vault", "business_vault", "features", "marts", "quality")
# No model scores anybody in these tests, and after three days it is not yet known which prospects became customers.
NEVER_SCORED = {
    "marts.rpt_customer_attrition",
    "marts.rpt_prospect_conversion",
    "features.ftr_prospect_conversion",
}
# The sample sources are clean: nothing to quarantine, to reject or to find implausible.
NEVER_FILLED = NEVER_SCORED | {
    "quality.quarantined_rows",
    "quality.rejected_rows",
    "quality.implausible_rows",
}
MAXIMUM_DIFFERENCES = 3


def layers(warehouse: Warehouse) -> dict[str, Fingerprint]:
    """The fingerprint of each table of the layers."""
    return {
        name: table
        for name, table in warehouse.fingerprints().items()
        if name.partition(".")[0] in LAYERS
    }


def differing_tables(expected: Warehouse, found: Warehouse) -> dict[str, str]:
    """The tables that do not have the same rows on both sides, each with the first rows that only one has."""
    tables, others = layers(expected), layers(found)
    return {
        name: first_differences(expected, found, name)
        if name in tables and name in others
        else "is only on one side"
        for name in sorted(tables.keys() | others.keys())
        if tables.get(name) != others.get(name)
    }


def first_differences(expected: Warehouse, found: Warehouse, table: str) -> str:
    """The first rows of a table that only one side has."""
    columns = expected.columns(table)
    if columns != found.columns(table):
        return f"columns {columns} and {found.columns(table)}"
    rows, other_rows = set(expected.row_texts(table)), set(found.row_texts(table))
    lines = [
        f"only on {side.target}: {dict(zip(columns, row.split(chr(31)), strict=True))}"
        for side, only in ((expected, rows - other_rows), (found, other_rows - rows))
        for row in sorted(only)[:MAXIMUM_DIFFERENCES]
    ]
    return "\n".join(lines) or "the same rows in other numbers"
