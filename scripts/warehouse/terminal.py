"""Tables that commands print.

Usage:
    print_table(table)
"""

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
