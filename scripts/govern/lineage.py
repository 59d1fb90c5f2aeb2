"""From which columns of the sources each column of the warehouse comes, read from the SQL that dbt has compiled.

Usage:
    lineage = Lineage.of_manifest(manifest)
    trace = lineage.trace("marts.dim_customer", "tax_id")
    trace.sources                   {Column("crm.customer_mgmt", "c_tax_id"), ...}
    trace.is_passed_on              True: every value was a value of one of these columns

A value is passed on if it is copied, cast, or picked from several: by `coalesce`, by the branches of a `case`, by `max` or `lag`. Everything else makes a new value
of it: an expression, a count, a hash key. What only decides which rows there are (joins, filters) does not count.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from scripts.govern.columns import Column
from scripts.load.contracts import LOAD_COLUMNS, SUPPLIED_FIELDS

DIALECT = "duckdb"
# The schema that stands for the lake in the SQL that is read here. No layer is called so.
_LAKE = "source_feeds"
# What gives back one of the values of its first argument.
_PICKS = (
    exp.AnyValue,
    exp.ArgMax,
    exp.ArgMin,
    exp.Cast,
    exp.Filter,
    exp.First,
    exp.FirstValue,
    exp.IgnoreNulls,
    exp.Lag,
    exp.Last,
    exp.LastValue,
    exp.Lead,
    exp.Max,
    exp.Min,
    exp.Nullif,
    exp.Paren,
    exp.TryCast,
    exp.Window,
    exp.WithinGroup,
)
# What the loader adds to the columns of a feed.
LOADER_COLUMNS = tuple(column.name for column in (*LOAD_COLUMNS, SUPPLIED_FIELDS))


class LineageError(Exception):
    """The SQL of a model is missing or cannot be read: says of which, and what to do."""


@dataclass(frozen=True)
class Trace:
    """Where the values of a column come from.

    Attributes:
        sources: the columns that they come from.
        is_passed_on: every value is a value of one of them, or a constant.
    """

    sources: frozenset[Column] = frozenset()
    is_passed_on: bool = True

    def __or__(self, other: "Trace") -> "Trace":
        return Trace(self.sources | other.sources, self.is_passed_on and other.is_passed_on)


_CONSTANT = Trace()


@dataclass
class Lineage:
    """The lineage of all columns of a project.

    Attributes:
        sql: the compiled SQL by table (`schema.table`).
        columns: the names of the columns by table and by feed, in their order.
        seeds: tables that are files of the project.
    """

    sql: dict[str, str]
    columns: dict[str, list[str]]
    seeds: frozenset[str] = frozenset()
    _scopes: dict[str, Scope] = field(default_factory=dict)
    _traces: dict[tuple[int, str], Trace] = field(default_factory=dict)
    _ends: dict[Column, Trace] = field(default_factory=dict)

    @classmethod
    def of_manifest(cls, manifest: dict[str, Any]) -> "Lineage":
        """From what dbt has compiled: the content of `manifest.json`.

        Raises:
            LineageError: if models are not compiled.
        """
        nodes = [node for node in manifest["nodes"].values() if _is_table(node)]
        feeds = {
            source["relation_name"]: f"{_LAKE}.{source['source_name']}__{source['name']}"
            for source in manifest["sources"].values()
        }
        sql = {}
        for node in nodes:
            if node["resource_type"] == "seed":
                continue
            if not node.get("compiled_code"):
                raise LineageError(
                    f"{node['name']} is not compiled: run `dbt compile -s resource_type:model resource_type:snapshot` first"
                )
            text = node["compiled_code"]
            for relation, name in feeds.items():
                text = text.replace(relation, name)
            sql[_name(node)] = text
        columns = {_name(node): list(node["columns"]) for node in nodes} | {
            feeds[source["relation_name"]]: [*source["columns"], *LOADER_COLUMNS]
            for source in manifest["sources"].values()
        }
        seeds = {_name(node) for node in nodes if node["resource_type"] == "seed"}
        return cls(sql, columns, frozenset(seeds))

    def inputs(self, relation: str, column: str) -> Trace:
        """The columns of the tables, seeds and feeds that the SQL of a table names, from which a column comes."""
        return self._output(self._scope(relation), column)

    def trace(self, relation: str, column: str) -> Trace:
        """The columns of feeds and seeds from which a column comes, through all layers.

        Raises:
            LineageError: if the SQL of a table cannot be read.
        """
        key = Column(relation, column)
        if key not in self._ends:
            self._ends[key] = _CONSTANT  # A snapshot reads itself.
            found = self.inputs(relation, column)
            ends = [self._end(source) for source in sorted(found.sources)]
            self._ends[key] = _united(ends, is_passed_on=found.is_passed_on)
        return self._ends[key]

    def _end(self, column: Column) -> Trace:
        if column.relation in self.sql:
            return self.trace(column.relation, column.name)
        if column.relation.startswith(f"{_LAKE}."):
            feed = column.relation.removeprefix(f"{_LAKE}.").replace("__", ".", 1)
            return Trace(frozenset({Column(feed, column.name)}))
        return Trace(frozenset({column}))

    def _scope(self, relation: str) -> Scope:
        if relation not in self._scopes:
            try:
                parsed = sqlglot.parse_one(self.sql[relation], dialect=DIALECT)
                qualified = qualify(
                    parsed,
                    schema=self._schema,
                    dialect=DIALECT,
                    validate_qualify_columns=False,
                    identify=False,
                    quote_identifiers=False,
                )
                scope = build_scope(qualified)
            except sqlglot.errors.SqlglotError as error:
                raise LineageError(f"the SQL of {relation} cannot be read: {error}") from error
            if scope is None:
                raise LineageError(f"the SQL of {relation} is not a query")
            self._scopes[relation] = scope
        return self._scopes[relation]

    @cached_property
    def _schema(self) -> dict[str, Any]:
        """As sqlglot wants it: the columns by schema and table."""
        schema: dict[str, dict[str, dict[str, str]]] = {}
        for relation, names in self.columns.items():
            layer, table = relation.split(".", 1)
            schema.setdefault(layer, {})[table] = dict.fromkeys(names, "unknown")
        return schema

    def _output(self, scope: Scope, column: str) -> Trace:
        """Where a column of the result of a query comes from."""
        key = (id(scope), column.lower())
        if key not in self._traces:
            self._traces[key] = _CONSTANT  # A recursive query reads itself.
            self._traces[key] = self._traced_output(scope, column.lower())
        return self._traces[key]

    def _traced_output(self, scope: Scope, column: str) -> Trace:
        query = scope.expression
        if isinstance(query, exp.SetOperation):
            names = [projection.alias_or_name.lower() for projection in query.selects]
            if column not in names:
                return _CONSTANT
            position = names.index(column)
            parts = (
                self._output(part, _name_at(part, position)) for part in scope.set_operation_scopes
            )
            return _united(parts)
        for projection in query.selects if isinstance(query, exp.Query) else ():
            if projection.alias_or_name.lower() == column:
                return self._value(scope, projection.unalias())
        return _CONSTANT

    def _value(self, scope: Scope, value: exp.Expr) -> Trace:
        """Where the values of an expression come from."""
        if isinstance(value, exp.Column):
            return self._read(scope, value)
        found = _united(self._value(scope, part) for part in _picked(value))
        if found.sources:
            return found
        # Also a `case` that gives constants: which one says something of what it looks at.
        found = _united(self._read(scope, column) for column in value.find_all(exp.Column))
        if not found.sources and not _is_calculated(value):
            return _CONSTANT
        return Trace(found.sources, is_passed_on=False)

    def _read(self, scope: Scope, column: exp.Column) -> Trace:
        for each in (scope, *_scopes_within(scope)):
            source = each.sources.get(column.table)
            if isinstance(source, Scope):
                return self._output(source, column.name)
            if isinstance(source, exp.Table) and source.db:
                relation = f"{source.db}.{source.name}"
                return Trace(frozenset({Column(relation, column.name.lower())}))
        return _CONSTANT


def _is_table(node: dict[str, Any]) -> bool:
    return (
        node["resource_type"] in ("model", "seed", "snapshot")
        and node["config"]["materialized"] != "ephemeral"
    )


def _name(node: dict[str, Any]) -> str:
    return f"{node['schema']}.{node['alias']}"


def _name_at(scope: Scope, position: int) -> str:
    selects = scope.expression.selects if isinstance(scope.expression, exp.Query) else []
    return selects[position].alias_or_name if position < len(selects) else ""


def _picked(value: exp.Expr) -> Iterator[exp.Expr]:
    """The expressions of which one gives the value; nothing if the value is a new one."""
    if isinstance(value, exp.Coalesce):
        yield value.this
        yield from value.expressions
    elif isinstance(value, exp.Case):
        yield from (branch.args["true"] for branch in value.args["ifs"])
        if value.args.get("default"):
            yield value.args["default"]
    elif isinstance(value, _PICKS):
        yield value.this


def _is_calculated(value: exp.Expr) -> bool:
    """Whether a value without columns is more than a constant: `count(*)`, `row_number()`."""
    return value.find(exp.AggFunc, exp.RowNumber) is not None


def _scopes_within(scope: Scope) -> Iterable[Scope]:
    return (inner for subquery in scope.subquery_scopes for inner in subquery.traverse())


def _united(traces: Iterable[Trace], *, is_passed_on: bool = True) -> Trace:
    result = Trace(is_passed_on=is_passed_on)
    for trace in traces:
        result |= trace
    return result
