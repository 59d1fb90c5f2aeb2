"""What metrics there are, and the SQL of a question; nothing here opens a warehouse.

Usage:
    definitions = Definitions.of_project()
    definitions.metrics["clients"].unit
    definitions.group_bys(["clients"])
    definitions.statement(Target.DUCKDB, ["clients"], ["metric_time__month"])

dbt writes the definitions into `semantic_manifest.json` whenever it reads the project, with relations of the target that it was read for. Here they are
taken without their database, so one file serves every engine and every copy of the warehouse. MetricFlow plans; it takes a second to import, and a question
takes some hundredths of a second to plan. Plans are kept: questions that differ only in the values of their conditions are planned once.
"""

import difflib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

from scripts.metrics.filters import GRAINS, Condition, ConditionError, parse_condition, with_values
from scripts.warehouse.artifacts import ArtifactError, current_artifact
from scripts.warehouse.settings import Target

MANIFEST = "semantic_manifest.json"
# What changes the definitions; they are read again if one of these files is newer than the manifest.
_DECLARED = "models/metrics"
_NEAREST = 3
# Planning a question takes longer than answering it, so this many plans are kept.
_PLANS = 1000
_NO_DIMENSION = re.compile(
    r"does not match any of the available group-by-items for \w+\('(\w+)'\).*?Suggestions: \[(.*?)\] Query Input: (\S+)"
)
# The day of a figure, whatever each metric calls it.
TIME = "metric_time"


class MetricsError(Exception):
    """A question that cannot be answered, or definitions that cannot be read: says what to do, in one line."""


@dataclass(frozen=True)
class Metric:
    """What is known about a metric.

    Attributes:
        name: by which it is asked for.
        label: as charts show it.
        description: what it counts.
        kind: `simple`, `ratio`, `derived` or `cumulative`.
        owner: the role that decides what it means.
        unit: of its values.
        additive_over: over what its values may be added up: `everything`, `everything but time`, or `nothing`.
    """

    name: str
    label: str
    description: str
    kind: str
    owner: str
    unit: str
    additive_over: str


@dataclass(frozen=True)
class Statement:
    """The SQL of a question, and the names of its columns: first what it is grouped by, then the metrics."""

    sql: str
    columns: tuple[str, ...]


class Definitions:
    """The metrics of a semantic manifest. May be used by several threads.

    Args:
        manifest: the file.
        relations: how tables are named in a FROM clause, by `schema.table`; those that are missing are named by their schema.

    Raises:
        MetricsError: the manifest cannot be read, or the extra is not installed.
    """

    def __init__(self, manifest: Path, relations: Mapping[str, str] | None = None) -> None:
        try:
            self._content = json.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise MetricsError(f"{manifest}: {error}; run `dbt parse` to write it") from error
        for relation in _relations(self._content):
            schema, table = relation["schema_name"], relation["alias"]
            relation["relation_name"] = (relations or {}).get(
                f"{schema}.{table}", f'"{schema}"."{table}"'
            )
        self._engines: dict[Target, Any] = {}
        self._plans: OrderedDict[tuple[object, ...], str] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def of_project(cls, relations: Mapping[str, str] | None = None) -> Self:
        """Those of the dbt project in the working directory, which is read again if models/metrics has changed.

        Args:
            relations: how tables are named, where it is not by their schema.

        Raises:
            MetricsError: it cannot be read.
        """
        try:
            return cls(current_artifact(MANIFEST, [_DECLARED]), relations)
        except ArtifactError as error:
            raise MetricsError(str(error)) from error

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Every metric, by name."""
        metrics = sorted(self._content["metrics"], key=lambda metric: str(metric["name"]))
        return {metric["name"]: _described(metric) for metric in metrics}

    def group_bys(self, metrics: Sequence[str]) -> list[str]:
        """What all of the metrics can be grouped by. Times end in their finest grain; coarser ones may take its place.

        Raises:
            MetricsError: one of them does not exist.
        """
        self._check("metric", metrics, self.metrics)
        with self._lock:
            engine = self._engine(Target.DUCKDB)
            dimensions = engine.simple_dimensions_for_metrics(list(metrics))
            entities = engine.entities_for_metrics(list(metrics))
        names = {item.dunder_name for item in dimensions} | {item.name for item in entities}
        # Every metric has a time. If their finest grains differ, MetricFlow lists none, but takes those that all have.
        if not any(_stem(name) == TIME for name in names):
            names.add(TIME)
        return sorted(names)

    def statement(
        self,
        target: Target,
        metrics: Sequence[str],
        group_by: Sequence[str] = (),
        where: Sequence[str] = (),
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> Statement:
        """The SQL of a question; see `query_metrics`.

        Raises:
            MetricsError: the question has no answer.
        """
        metrics, group_by = list(dict.fromkeys(metrics)), list(dict.fromkeys(group_by))
        if not metrics:
            raise MetricsError("no metric was asked for; `python -m scripts.metrics` lists them")
        if limit is not None and limit < 0:
            raise MetricsError(f"a limit of {limit}: give a number from 0")
        try:
            conditions = [parse_condition(text) for text in where]
        except ConditionError as error:
            raise MetricsError(str(error)) from error
        shapes = [(asked.name, asked.operator, len(asked.values)) for asked in conditions]
        key = (target, tuple(metrics), tuple(group_by), tuple(shapes), tuple(order), limit)
        with self._lock:
            plan = self._plans.pop(key, None)
        if plan is None:
            plan = self._plan(target, metrics, group_by, conditions, order, limit)
        with self._lock:
            self._plans[key] = plan
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        values = [value for asked in conditions for value in asked.values]
        return Statement(with_values(plan, values), (*group_by, *metrics))

    def _plan(
        self,
        target: Target,
        metrics: Sequence[str],
        group_by: Sequence[str],
        conditions: Sequence[Condition],
        order: Sequence[str],
        limit: int | None,
    ) -> str:
        """The SQL of a question, with placeholders for the values of its conditions."""
        known = self.group_bys(metrics)

        # After the engine was asked, which says so if MetricFlow is missing.
        from metricflow.engine.metricflow_engine import (
            MetricFlowQueryRequest,
            OutputColumnOrderMode,
        )
        from metricflow_semantics.errors.error_classes import MetricFlowException

        asked = [*group_by, *(condition.name for condition in conditions)]
        stems = {_stem(name): name for name in known}
        self._check(f"dimension of {', '.join(metrics)}", [_stem(n) for n in asked], stems)
        self._check(
            "column of the answer", [n.removeprefix("-") for n in order], [*group_by, *metrics]
        )
        counts = accumulate((len(condition.values) for condition in conditions), initial=0)
        request = MetricFlowQueryRequest.create(
            metric_names=metrics,
            group_by_names=group_by,
            where_constraints=[
                condition.template(first)
                for condition, first in zip(conditions, counts, strict=False)
            ],
            # Grouped rows come in no order otherwise, and a limit would take any of them.
            order_by_names=list(order) or group_by,
            limit=limit,
            output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER,
        )
        try:
            with self._lock:
                return str(self._engine(target).explain(request).sql_statement.sql)
        except MetricFlowException as error:
            raise MetricsError(_problem(metrics, error)) from error

    def _engine(self, target: Target) -> Any:
        """MetricFlow for an engine; it only plans, so it needs no connection."""
        if target is Target.SPARK:
            raise MetricsError("metrics are computed on DuckDB and Postgres, not on Spark")
        if target not in self._engines:
            try:
                from metricflow.engine.metricflow_engine import MetricFlowEngine
                from metricflow_semantics.model.dbt_manifest_parser import (
                    parse_manifest_from_dbt_generated_manifest,
                )
                from metricflow_semantics.model.semantic_manifest_lookup import (
                    SemanticManifestLookup,
                )
            except ImportError as error:
                raise MetricsError(
                    "MetricFlow is not installed; run `make .venv/.metrics`"
                ) from error
            manifest = parse_manifest_from_dbt_generated_manifest(json.dumps(self._content))
            lookup = SemanticManifestLookup(manifest)
            self._engines[target] = MetricFlowEngine(lookup, _planner(target))
        return self._engines[target]

    @staticmethod
    def _check(kind: str, names: Collection[str], known: Collection[str]) -> None:
        for name in names:
            if name not in known:
                near = (
                    difflib.get_close_matches(name, known, _NEAREST, 0.5)
                    or sorted(known)[:_NEAREST]
                )
                raise MetricsError(
                    f"{name}: no such {kind}; there is, for example, {', '.join(near)}"
                )


def _relations(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    owners = [*manifest["semantic_models"], *manifest["project_configuration"]["time_spines"]]
    return [owner["node_relation"] for owner in owners]


def _described(metric: dict[str, Any]) -> Metric:
    meta = (metric.get("config") or {}).get("meta") or {}
    return Metric(
        name=metric["name"],
        label=metric.get("label") or metric["name"],
        description=" ".join((metric.get("description") or "").split()),
        kind=metric["type"],
        owner=meta.get("owner", ""),
        unit=meta.get("unit", ""),
        additive_over=meta.get("additive_over", ""),
    )


def _stem(name: str) -> str:
    """A time without its grain."""
    stem, _, last = name.rpartition("__")
    return stem if last in GRAINS else name


def _problem(metrics: Sequence[str], error: Exception) -> str:
    """What MetricFlow says, in one line."""
    text = " ".join(str(error).split())
    if f"do not include '{TIME}'" in text or f"do not include the {TIME}" in text:
        return f"{', '.join(metrics)}: only by {TIME}, because it compares or collects months"
    if found := _NO_DIMENSION.search(text):
        return (
            f"{found[3]}: no dimension of {found[1]}; there is, for example, {found[2].strip(' ,')}"
        )
    return f"{', '.join(metrics)}: {text}"


def _planner(target: Target) -> Any:
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
    from metricflow.sql.render.postgres import PostgresSQLSqlPlanRenderer

    @dataclass(frozen=True)
    class Planner:
        """The part of a client of MetricFlow that planning needs."""

        sql_engine_type: SqlEngine
        sql_plan_renderer: Any

    if target == Target.POSTGRES:
        return Planner(SqlEngine.POSTGRES, PostgresSQLSqlPlanRenderer())
    return Planner(SqlEngine.DUCKDB, DuckDbSqlPlanRenderer())
