"""What tests ask the files of a lake."""

from pathlib import Path
from typing import Any

import duckdb


def query_lake(statement: str, files: Path) -> list[tuple[Any, ...]]:
    """All rows of a statement whose one parameter is the pattern of the files, on a connection of its own."""
    with duckdb.connect() as connection:
        return connection.execute(statement, [str(files)]).fetchall()
