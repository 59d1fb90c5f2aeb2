"""Where sources, lake and warehouse are, as a resource of Dagster: from the variables that every command reads.

Usage:
    places = Places.from_environment()
    places.use()
    load(LoadOptions(places.sources, places.lake, target=Target(places.target)))
"""

from typing import Self

import dagster as dg

from scripts.warehouse.settings import setting, use_setting


class Places(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The places of this warehouse; on Postgres, the variables of libpq name the database."""

    sources: str
    lake: str
    warehouse: str
    published: str
    runs: str
    target: str

    @classmethod
    def from_environment(cls) -> Self:
        """The places that SOURCES, LAKE, WAREHOUSE, PUBLISHED, RUNS and DBT_TARGET name, or their defaults."""
        return cls(
            sources=setting("SOURCES"),
            lake=setting("LAKE"),
            warehouse=setting("WAREHOUSE"),
            published=setting("PUBLISHED"),
            runs=setting("RUNS"),
            target=setting("DBT_TARGET"),
        )

    def use(self) -> None:
        """Let everything in this process work there."""
        use_setting("SOURCES", self.sources)
        use_setting("LAKE", self.lake)
        use_setting("WAREHOUSE", self.warehouse)
        use_setting("PUBLISHED", self.published)
        use_setting("RUNS", self.runs)
        use_setting("DBT_TARGET", self.target)
