"""Tables that many checks share: who was born when, and what became of it.

They are derived from the loaded files and state what the files say, at the grain named in
`derived.sql`; none applies a rule of the warehouse.
"""

from __future__ import annotations

import duckdb

from brokerage_sources.verify.reading import SourceFolderError
from brokerage_sources.verify.sql_file import read_statements

# What `derived.sql` calls: fields of a fixed-width line (1-based, inclusive), NULL when blank, and
# the CIK that a record gives in place of a company's name.
_MACROS = (
    "text_field(line, start, stop) as nullif(trim(line[start:stop]), '')",
    "date_field(line, start, stop) as strptime(text_field(line, start, stop), '%Y%m%d')::date",
    "whole_number(text) as case when regexp_full_match(text, '\\d+') then text::bigint end",
)


def derive(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every derived table.

    Raises `SourceFolderError` when a value cannot be read as its position demands, for instance a
    FINWIRE date.
    """
    for macro in _MACROS:
        connection.execute(f"create macro {macro}")
    for table in read_statements("derived.sql"):
        try:
            connection.execute(f"create table {table.name} as {table.sql}")
        except duckdb.Error as error:
            raise SourceFolderError(
                f"deriving {table.name} from the files failed: {error}"
            ) from error
