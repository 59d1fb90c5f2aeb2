"""The one way in which programs that serve readers open what is published.

Usage:
    published = open_published()
    print(published.current().version)
    with published.opened("analyst") as session:
        rows = session.query(f"select count(*) from {session.relation('marts.dim_trade')}")

What a role may read is declared where the models are (`grants`, `personal`), and read from there. DuckDB has one file for analysts and one for auditors; other roles
read the file in which the same columns are masked, and there only their tables. On Postgres, each session has the rights of the role.
"""

from pathlib import Path

from scripts.publish.versions import Versions
from scripts.serve.declarations import Declarations
from scripts.serve.duckdb_files import DuckDBPublished
from scripts.serve.postgres import PostgresPublished
from scripts.serve.sessions import Limits, Published, ServeError
from scripts.warehouse.settings import ConnectionSettings, PostgresError, Target, setting


def open_published(
    target: Target | None = None,
    folder: Path | None = None,
    declarations: Declarations | None = None,
    limits: Limits | None = None,
    *,
    keeps_types: bool = False,
) -> Published:
    """What is published on an engine. Nothing is opened yet: it may be published later.

    Args:
        target: the engine; None for DBT_TARGET.
        folder: of the published versions, on DuckDB; None for PUBLISHED.
        declarations: None for those of the project in the working directory.
        limits: of each session.
        keeps_types: let Arrow have extension types, such as that of UUID, where it can instead of text: for who hands rows on to DuckDB.

    Raises:
        ServeError: the project cannot be read, PGPORT is not a number, or the engine is Spark, whose published tables nothing here opens.
    """
    declarations = declarations or Declarations.of_project()
    limits = limits or Limits()
    target = target or Target(setting("DBT_TARGET"))
    if target is Target.SPARK:
        raise ServeError("what is published on Spark is read with Spark: docs/spark.md")
    if target is Target.DUCKDB:
        versions = Versions(folder or Path(setting("PUBLISHED")))
        return DuckDBPublished(versions, declarations, limits, keeps_types=keeps_types)
    try:
        database = ConnectionSettings.from_environment()
    except PostgresError as error:
        raise ServeError(str(error)) from error
    return PostgresPublished(database, declarations, limits)
