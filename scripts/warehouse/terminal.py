"""Tables that commands print.

Usage:
    print_table(table)
    print_rows(["metric", "unit"], rows, is_csv=False)
"""

import csv
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

# Columns of a file or a pipe, which cuts nothing off.
_WIDE = 10_000


def print_table(table: Table) -> None:
    """Print a table: in a terminal as wide as that is, into a file or a pipe as wide as the table is. Brackets in its cells are text."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table)


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]], *, is_csv: bool) -> None:
    """Print rows as a table, or as CSV; nothing stands for None."""
    if is_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        writer.writerows(rows)
        return
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    print_table(table)
