"""A warehouse in tables of Iceberg, on Spark. It reads the lake in place: nothing is loaded into it.

Usage:
    SparkWarehouse.from_environment().fingerprints()

The session is that of dbt: one for each process, with the settings of the target `spark` in profiles/profiles.yml. Starting it takes some seconds.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scripts.warehouse.base import Query, Warehouse
from scripts.warehouse.fingerprints import Recipe
from scripts.warehouse.settings import LOADED_SCHEMA, ROOT, Target, setting

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PROFILE = ROOT / "profiles" / "profiles.yml"
# The schema that every catalog has, in which nothing is built.
_DEFAULT_SCHEMA = "default"


class SparkError(Exception):
    """Spark cannot be started, reached or used: says why and what to do."""


class SparkNotFoundError(SparkError):
    """There is no such table or column."""


@dataclass(frozen=True)
class SparkWarehouse(Warehouse):
    """A warehouse in a catalog of Spark.

    Attributes:
        folder: where its tables are, and the catalog unless that is a server: a path or a URI.
        catalog: the address of the catalog; empty if it is in the folder.
    """

    folder: str
    catalog: str = ""

    target = Target.SPARK
    explain = "explain formatted"
    is_written_by_a_server = False
    recipe = Recipe(
        decimal_type="decimal",
        float_type="double",
        float_text="format_string('%.14e', {0})",
        list_text="cast(size({0}) as string) || chr(29) || array_join({0}, chr(29), chr(30))",
        first_60_bits="cast(conv(left({0}, 15), 16, 10) as bigint)",
        joined="concat_ws(chr(31), {0})",
        quote="`",
        text_type="string",
        # `rtrim` has its arguments in another order.
        without_zeros="regexp_replace({0}, '[.]?0+$', '')",
    )
    # The load log says what has landed; its table has a partition for each batch.
    opening_the_lake = (f"msck repair table {LOADED_SCHEMA}.control__load_log sync partitions",)

    @classmethod
    def from_environment(cls) -> Self:
        """The one that the target `spark` builds."""
        return cls(setting("SPARK_WAREHOUSE"), os.environ.get("SPARK_CATALOG_URI", ""))

    @property
    def label(self) -> str:
        """Its name in messages and manifests."""
        is_local = "://" not in self.folder
        place = str(Path(self.folder).absolute()) if is_local else self.folder
        return self.catalog or place

    @property
    def environment(self) -> dict[str, str]:
        """See `Warehouse`."""
        return {
            "DBT_TARGET": self.target,
            "SPARK_WAREHOUSE": self.folder,
            "SPARK_CATALOG_URI": self.catalog,
        }

    @contextmanager
    def opened(self) -> Iterator[Query]:
        """See `Warehouse`. The session stays open: dbt uses it too, and a second one would need a second Java process.

        Raises:
            SparkError: there is no Java, or the catalog or the cluster cannot be used.
        """
        session = open_session()
        yield lambda statement: _rows(session, statement)

    def exists(self) -> bool:
        """See `Warehouse`; a catalog on a server is there before anything is built."""
        return bool(self.catalog) or Path(self.folder, "catalog").is_dir()

    def column_types(self, query: Query, relation: str) -> dict[str, str]:
        """See `Warehouse`; a list has the name of the type of its items, and brackets."""
        found = query(f"describe query select * from {relation}")
        return {name: _type_name(data_type) for name, data_type, *_ in found}

    def relations(self, query: Query) -> list[str]:
        """See `Warehouse`."""
        return sorted(
            f"{schema}.{name}"
            for schema in _schemas(query)
            for _, name, is_temporary in query(f"show tables in {schema}")
            if not is_temporary
        )

    def _tables(self, query: Query) -> dict[str, str]:
        views = {
            f"{schema}.{name}"
            for schema in _schemas(query)
            for _, name, _ in query(f"show views in {schema}")
        }
        return {name: name for name in self.relations(query) if name not in views}


def open_session() -> "SparkSession":
    """The session of this process, with the settings of the profile.

    Raises:
        SparkError: it cannot be opened.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise SparkError(f"{error}; install the extra: make .venv/.spark") from error
    builder = SparkSession.builder.enableHiveSupport()
    for name, value in session_settings().items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise SparkError(
            f"Spark cannot be started: {_first_line(error)}; it needs Java 17, the runtime of Iceberg (SPARK_JARS),"
            " and a catalog that no other process has open: docs/spark.md"
        ) from error


def session_settings() -> dict[str, str]:
    """The settings of the target `spark` in the profile, which is their only declaration, with the variables of this process.

    dbt turns ANSI mode off in each of its sessions, so it is off here, too.
    """
    import yaml
    from jinja2 import Environment

    output = yaml.safe_load(_PROFILE.read_text(encoding="utf-8"))["brokerage_warehouse"]["outputs"]
    templates: dict[str, str] = output[str(Target.SPARK)]["server_side_parameters"]
    render = Environment(autoescape=False).from_string
    settings = {
        name: render(value).render(env_var=lambda key, default="": os.environ.get(key, default))
        for name, value in templates.items()
    }
    return settings | {"spark.sql.ansi.enabled": "false"}


def _rows(session: "SparkSession", statement: str) -> list[tuple[Any, ...]]:
    from py4j.protocol import Py4JError
    from pyspark.errors import AnalysisException, PySparkException

    try:
        return [tuple(row) for row in session.sql(statement).collect()]
    except AnalysisException as error:
        raise SparkNotFoundError(_first_line(error)) from error
    except (PySparkException, Py4JError) as error:
        raise SparkError(_first_line(error)) from error


def _schemas(query: Query) -> list[str]:
    """Those in which dbt builds: all of the catalog, which is the project's own, but the one for what is loaded."""
    return [
        name for (name,) in query("show schemas") if name not in (_DEFAULT_SCHEMA, LOADED_SCHEMA)
    ]


def _type_name(data_type: str) -> str:
    if data_type.startswith("array<"):
        return f"{_type_name(data_type.removeprefix('array<').removesuffix('>'))}[]"
    return data_type


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
