"""The class and the terms of each column that somebody reads: inherited from the feeds from which it comes, or declared where it is made.

Usage:
    for column in Inheritance(manifest, register, lineage).columns:
        print(column.column, column.classification, column.origin)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from scripts.govern.columns import Column
from scripts.govern.lineage import LOADER_COLUMNS, Lineage, Trace
from scripts.govern.register import Register, Terms
from scripts.publish.tables import reads_personal_columns


class Origin(StrEnum):
    """Why a column has its class."""

    MODEL = "declared in the model"
    INHERITED = "inherited"
    STATED = "stated in tables.yml"
    NONE = "unknown"


@dataclass(frozen=True)
class ReadColumn:
    """A column of a table that somebody reads.

    Attributes:
        column: its table and name.
        description: what it means.
        data_type: as its model declares it; empty if it does not.
        trace: the columns of feeds and seeds from which it comes.
        personal: what its model declares: a kind, False, or None if nothing.
        classification: its class; None if nobody has said.
        origin: why it has this class.
        inherited: the class of what it comes from, whatever was said of it; None if it comes from nothing.
        terms: those of all feeds from which it comes; of a count or the like, which comes from no column, those of the feeds of its table.
        readers: the roles that may select it, or its mask.
    """

    column: Column
    description: str
    data_type: str
    trace: Trace
    personal: str | bool | None
    classification: str | None
    origin: Origin
    inherited: str | None
    terms: tuple[Terms, ...]
    readers: tuple[str, ...]

    @property
    def may_hide_persons(self) -> bool:
        """Whether it is text, and nobody has said whether it is about persons. A type that is not declared may be text."""
        is_text = not self.data_type or "char" in self.data_type or self.data_type == "text"
        return is_text and self.personal is None


@dataclass(frozen=True)
class Inheritance:
    """What the columns of a project inherit.

    Attributes:
        manifest: what dbt has compiled.
        register: what the feeds say.
        lineage: where columns come from.
    """

    manifest: dict[str, Any]
    register: Register
    lineage: Lineage

    @cached_property
    def columns(self) -> list[ReadColumn]:
        """All columns of tables that anybody but the auditor reads, by name."""
        unmasked = set(reads_personal_columns())
        found: list[ReadColumn] = []
        for node in self.manifest["nodes"].values():
            readers = tuple(node["config"].get("grants", {}).get("select", ()))
            is_read = set(readers) - unmasked and node["resource_type"] in ("model", "snapshot")
            if is_read and node["config"]["materialized"] != "ephemeral":
                found += self._of_table(node, readers)
        return sorted(found, key=lambda column: column.column)

    def _of_table(self, node: dict[str, Any], readers: tuple[str, ...]) -> Iterator[ReadColumn]:
        table = f"{node['schema']}.{node['alias']}"
        traces = {name: self.lineage.trace(table, name) for name in node["columns"]}
        of_table = self._terms(source for trace in traces.values() for source in trace.sources)
        for name, declared in node["columns"].items():
            column, trace = Column(table, name), traces[name]
            personal = declared["meta"].get("personal")
            inherited = self.register.most_closed(self._classes(trace))
            classification, origin = self._class(column, trace, personal, inherited)
            yield ReadColumn(
                column=column,
                description=declared["description"],
                data_type=declared.get("data_type") or "",
                trace=trace,
                personal=personal,
                classification=classification,
                origin=origin,
                inherited=inherited,
                terms=self._terms(trace.sources) or of_table,
                readers=readers,
            )

    def _class(
        self, column: Column, trace: Trace, personal: str | bool | None, inherited: str | None
    ) -> tuple[str | None, Origin]:
        if personal:
            return "personal", Origin.MODEL
        if trace.is_passed_on and inherited:
            return self.register.raised(column, inherited), Origin.INHERITED
        if stated := self.register.stated(column):
            return self.register.raised(column, stated), Origin.STATED
        return None, Origin.NONE

    def _terms(self, sources: Iterable[Column]) -> tuple[Terms, ...]:
        found = {self.register.terms_of(source): None for source in sorted(set(sources))}
        return tuple(terms for terms in found if terms)

    def _classes(self, trace: Trace) -> Iterator[str]:
        given = self.register.vocabulary.given
        known = self.register.vocabulary.classifications
        for source in trace.sources:
            found = self.register.class_of(source)
            if found in known:
                yield found
            elif source.name in LOADER_COLUMNS:
                yield given.get("loader_columns", "")
            elif source.relation in self.lineage.seeds:
                yield given.get("seeds", "")
