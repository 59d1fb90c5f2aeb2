"""What is declared in the dbt project, from the manifest that dbt writes: tables, their readers, their columns.

Usage:
    declarations = Declarations.of_project()
    declarations.tables["marts.dim_trade"].grants
    declarations.readable_by("analyst")
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from scripts.publish.tables import PublishedTable, published_tables
from scripts.serve.sessions import NotAllowedError, ServeError
from scripts.warehouse.artifacts import ArtifactError, current_artifact
from scripts.warehouse.changes import project_digest

MANIFEST = "manifest.json"
# What decides who may read what.
_DECLARED = ("models", "seeds", "snapshots", "dbt_project.yml")
_PREFIX = "brokerage_"


@dataclass(frozen=True)
class Declarations:
    """The declarations of a project.

    Attributes:
        nodes: models, seeds and snapshots, as dbt writes them, by `schema.table`.
        tables: what is published of them, by `schema.table`.
        digest: of the project; a version that has it was published with these declarations.
    """

    nodes: dict[str, dict[str, Any]]
    tables: dict[str, PublishedTable]
    digest: str

    @classmethod
    def of_project(cls) -> Self:
        """Those of the dbt project in the working directory, which is read again if it has changed.

        Raises:
            ServeError: it cannot be read.
        """
        try:
            file = current_artifact(MANIFEST, _DECLARED)
            content = json.loads(file.read_text(encoding="utf-8"))
        except ArtifactError as error:
            raise ServeError(str(error)) from error
        except (OSError, ValueError) as error:
            raise ServeError(f"{MANIFEST}: {error}; run `dbt parse` to write it") from error
        return cls.of_manifest(content, project_digest(Path.cwd()))

    @classmethod
    def of_file(cls, file: Path) -> Self:
        """Those of a manifest that dbt has written somewhere else, or earlier.

        Raises:
            ServeError: it cannot be read.
        """
        try:
            return cls.of_manifest(json.loads(file.read_text(encoding="utf-8")), digest="")
        except (OSError, ValueError, KeyError) as error:
            raise ServeError(f"{file}: not a manifest of dbt: {error}") from error

    @classmethod
    def of_manifest(cls, content: dict[str, Any], digest: str) -> Self:
        """Those of a manifest of dbt."""
        nodes: dict[str, dict[str, Any]] = content["nodes"]
        project: Any = SimpleNamespace(nodes={key: _Node(node) for key, node in nodes.items()})
        return cls(
            nodes={
                f"{node['schema']}.{node['alias']}": node
                for node in nodes.values()
                if node["resource_type"] in ("model", "seed", "snapshot")
            },
            tables={table.name: table for table in published_tables(project)},
            digest=digest,
        )

    @cached_property
    def roles(self) -> list[str]:
        """Who may read anything, without the prefix that the roles of the database have."""
        grants = {grant for table in self.tables.values() for grant in table.grants}
        return sorted(grant.removeprefix(_PREFIX) for grant in grants)

    def readable_by(self, role: str) -> dict[str, PublishedTable]:
        """The tables that a role may read, by `schema.table`.

        Raises:
            NotAllowedError: there is no such role.
        """
        if role not in self.roles:
            raise NotAllowedError(f"{role}: no such role; there are {', '.join(self.roles)}")
        granted = database_role(role)
        return {name: table for name, table in self.tables.items() if granted in table.grants}


def database_role(role: str) -> str:
    """The name of a role in the database, as under `grants` in dbt_project.yml."""
    return f"{_PREFIX}{role}"


class _Node(SimpleNamespace):
    """A node with the attributes that it has while dbt runs."""

    def __init__(self, node: dict[str, Any]) -> None:
        config = node["config"]
        super().__init__(
            resource_type=node["resource_type"],
            schema=node["schema"],
            alias=node["alias"],
            description=node.get("description") or "",
            columns={
                name: SimpleNamespace(
                    description=column.get("description") or "",
                    data_type=column.get("data_type"),
                    meta=column.get("meta") or {},
                )
                for name, column in node["columns"].items()
            },
            config=SimpleNamespace(
                materialized=config.get("materialized"),
                grants=config.get("grants") or {},
                meta=config.get("meta") or {},
            ),
            depends_on_nodes=node.get("depends_on", {}).get("nodes", []),
        )
