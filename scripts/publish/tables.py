"""What each role reads of a published version: tables, and which of their columns are masked. All of it is declared where the models are.

Usage:
    for table in published_tables(project.manifest):
        print(table.name, table.grants, table.masks)
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from scripts.load.contracts import YAML_LOADER

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest as Project


class Reader(StrEnum):
    """Who reads: the name of the file on DuckDB."""

    ANALYST = "analyst"
    AUDITOR = "auditor"

    @property
    def role(self) -> str:
        """The role of the database, as under `grants` in dbt_project.yml."""
        return f"brokerage_{self}"


@dataclass(frozen=True)
class PublishedTable:
    """A table or view that somebody reads.

    Attributes:
        schema: its layer.
        alias: its name there.
        description: what it holds.
        columns: the declared ones in their order, with their descriptions.
        masks: what takes the place of each personal column, for those who may not read it.
        grants: the roles of the database that may select from it.
        masked_grants: those of them that see masks in place of personal columns.
        is_view: it stays a view, because whoever reads it finds the same rows over what is published.
        views_below: how many views lie one upon the other below it; the lowest ones are created first.
    """

    schema: str
    alias: str
    description: str
    columns: dict[str, str]
    masks: dict[str, str]
    grants: tuple[str, ...]
    masked_grants: tuple[str, ...]
    is_view: bool
    views_below: int

    @property
    def name(self) -> str:
        """Its name for readers: `schema.table`."""
        return f"{self.schema}.{self.alias}"

    def is_read_by(self, reader: Reader) -> bool:
        """Whether the reader may select from it."""
        return reader.role in self.grants

    def is_masked_for(self, reader: Reader) -> bool:
        """Whether the reader sees masks in place of personal columns."""
        return reader.role in self.masked_grants

    def selected(self, columns: Collection[str], masked: bool) -> str:
        """The list of columns for a SELECT, given all of them in their order."""
        return ", ".join(
            f'{self.masks[name]} as "{name}"' if masked and name in self.masks else f'"{name}"'
            for name in columns
        )

    def comments(self, relation: str, columns: Collection[str], kind: str = "") -> list[str]:
        """Statements that write the descriptions of the table and of those columns that it has into a database.

        Args:
            relation: where it is, as in a FROM clause.
            columns: the names of those that it has there.
            kind: `table` or `view`; by default what it is in the warehouse.
        """
        kind = kind or ("view" if self.is_view else "table")
        return [
            f"comment on {kind} {relation} is {_quoted(self.description)}",
            *(
                f'comment on column {relation}."{name}" is {_quoted(description)}'
                for name, description in self.columns.items()
                if description and name in columns
            ),
        ]


def published_tables(project: "Project") -> list[PublishedTable]:
    """The tables and views to publish, by name: of each layer of which analysts read anything, everything that somebody reads.

    The layers below are for those who check how tables come about: they open the warehouse itself. A view over one of those tables, or over the
    lake, shows what is there now and not what was built, so it is left out.
    """
    unmasked = reads_personal_columns()
    nodes = {key: node for key, node in project.nodes.items() if _is_built(node) and _grants(node)}
    layers = {node.schema for node in nodes.values() if Reader.ANALYST.role in _grants(node)}
    nodes = {key: node for key, node in nodes.items() if node.schema in layers}
    tables = []
    for node in nodes.values():
        is_view = False
        if node.config.materialized == "view":
            if not set(_tables_below(project, node)) <= nodes.keys():
                continue
            is_view = _stays_a_view(node, [nodes.get(key) for key in _read_by(project, node)])
        tables.append(_published(node, unmasked, is_view, _views_below(project, node)))
    return sorted(tables, key=lambda table: table.name)


def views_in_order(tables: Iterable[PublishedTable]) -> list[PublishedTable]:
    """Those that stay views, each after the views that it reads."""
    return sorted((table for table in tables if table.is_view), key=lambda view: view.views_below)


def _is_built(node: Any) -> bool:
    return (
        str(node.resource_type) in ("model", "seed", "snapshot")
        and node.config.materialized != "ephemeral"
    )


def _grants(node: Any) -> list[str]:
    return list(node.config.grants.get("select", ()))


def _stays_a_view(view: Any, below: list[Any]) -> bool:
    """Whether the files of all its readers have what a view reads, and masks there do not change its rows, as it may declare. On Postgres, a view reads with the rights of its owner."""
    is_unaffected = bool(view.config.meta.get("unaffected_by_masks"))
    return not _masks(view) and all(
        node is not None
        and _file_readers(view) <= _file_readers(node)
        and (is_unaffected or not _masks(node))
        for node in below
    )


def _file_readers(node: Any) -> set[str]:
    return {reader.role for reader in Reader} & set(_grants(node))


def _read_by(project: "Project", node: Any) -> Iterator[str]:
    """What a view names: tables, views, seeds, snapshots and sources."""
    for key in node.depends_on_nodes:
        below = project.nodes.get(key)
        if below is not None and below.config.materialized == "ephemeral":
            yield from _read_by(project, below)
        else:
            yield key


def _views_below(project: "Project", node: Any) -> int:
    below = (project.nodes.get(key) for key in _read_by(project, node))
    views = (view for view in below if view is not None and view.config.materialized == "view")
    return max((1 + _views_below(project, view) for view in views), default=0)


def _tables_below(project: "Project", node: Any) -> Iterator[str]:
    """What a view reads, through other views: tables, seeds, snapshots and sources."""
    for key in _read_by(project, node):
        below = project.nodes.get(key)
        if below is not None and below.config.materialized == "view":
            yield from _tables_below(project, below)
        else:
            yield key


def _published(
    node: Any, unmasked: Collection[str], is_view: bool, views_below: int
) -> PublishedTable:
    masks, grants = _masks(node), _grants(node)
    return PublishedTable(
        schema=node.schema,
        alias=node.alias,
        description=node.description,
        columns={name: column.description for name, column in node.columns.items()},
        masks=masks,
        grants=tuple(grants),
        masked_grants=tuple(role for role in grants if masks and role not in unmasked),
        is_view=is_view,
        views_below=views_below,
    )


def reads_personal_columns() -> list[str]:
    """The roles that do, from the project in the working directory; what dbt has parsed does not have its variables."""
    text = Path("dbt_project.yml").read_text(encoding="utf-8")
    declared = yaml.load(text, Loader=YAML_LOADER)
    return list(declared["vars"]["reads_personal_columns"])


def _masks(node: Any) -> dict[str, str]:
    """As the masked views of Postgres have them (macros/cross_db/masked_view.sql)."""
    return {
        name: f"cast({column.meta.get('masked_as') or 'null'} as {column.data_type})"
        for name, column in node.columns.items()
        if column.meta.get("personal")
    }


def _quoted(text: str) -> str:
    return "'" + text.strip().replace("'", "''") + "'"
