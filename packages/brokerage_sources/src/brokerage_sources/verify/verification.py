"""Choose the checks for a folder and run them.

Usage:
    results = verify(Path("data/sources"))
    print([result.name for result in results if not result.ok])
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from brokerage_sources.verify import (
    audit_attributes,
    formulas,
    hard_cases,
    properties,
    rates,
    warehouse,
)
from brokerage_sources.verify.check import Check, Result
from brokerage_sources.verify.derived import derive
from brokerage_sources.verify.reading import find_batches, loaded_sources

CUSTOMERS_FOR_RATES = 1500
"""About scale factor 1. Smaller datasets have a few errors of each kind whatever their rate."""


def verify(
    folder: Path,
    *,
    scale_factor: float | None = None,
    rates_checked: bool | None = None,
    hard_cases_expected: bool = False,
    memory_limit: str = "1GB",
    threads: int = 2,
    on_progress: Callable[[str], None] = lambda step: None,
) -> list[Result]:
    """Check a folder of source files: `Batch1` .. `BatchN` and their audit files.

    Args:
        folder: the folder that holds `Batch1`.
        scale_factor: also compare row counts with the formulas of this scale (3 or more).
        rates_checked: whether to check shares; by default, if there are enough customers.
        hard_cases_expected: also require that injected errors and hard cases occur.
        memory_limit: what DuckDB may use before it spills to disk, e.g. `1GB`.
        threads: DuckDB's worker threads.
        on_progress: called with the name of each step.

    Returns:
        Results in a stable order: audit attributes, row counts, properties, warehouse, rates, hard
        cases.

    Raises:
        SourceFolderError: the folder or a file is missing or unreadable.
        ValueError: no formulas are known for the scale factor, or the memory limit is no size.
    """
    chosen: list[Check] = [*audit_attributes.CHECKS]
    if scale_factor is not None:
        chosen += formulas.checks(scale_factor, len(find_batches(folder)))
    chosen += [*properties.CHECKS, *warehouse.CHECKS]
    on_progress("loading")
    with loaded_sources(folder, memory_limit, threads) as connection:
        derive(connection)
        if rates_checked is None:
            rates_checked = _number_of_customers(connection) >= CUSTOMERS_FOR_RATES
        if rates_checked:
            chosen += rates.CHECKS
        if hard_cases_expected:
            chosen += hard_cases.CHECKS
        results: list[Result] = []
        for check in chosen:
            on_progress(check.name)
            results += _run(check, connection)
    return results


def _run(check: Check, connection: duckdb.DuckDBPyConnection) -> list[Result]:
    """Run one check; it fails if its SQL cannot be computed on the data."""
    try:
        return check.run(connection)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        return [Result(check.name, check.claim, False, "not computable", "computable", reason)]


def _number_of_customers(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("select count(*) from customer_births where batch_id = 1").fetchone()
    return int(row[0]) if row else 0
