"""A text file of metrics for Prometheus, as its node exporter collects them (`--collector.textfile.directory`).

Usage:
    write_metrics(Path("/var/lib/node_exporter/brokerage.prom"), sight, look)

The file is written beside and renamed, so that it is whole at any moment. All times are Unix timestamps, all durations seconds.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.history.records import RecordError, RunEnded, RunStarted
from scripts.monitor.alerts import Look
from scripts.monitor.checks.places import disks
from scripts.monitor.deliveries import DeliveriesError, Delivery
from scripts.monitor.registry import CHECKS
from scripts.monitor.sight import Sight, SightError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

# A run that has ended, by its kind and warehouse.
_Ended = dict[tuple[str, str], tuple[RunStarted, RunEnded]]


class MetricsError(Exception):
    """The file cannot be written; says why and what to do."""


def write_metrics(file: Path, sight: Sight, look: Look) -> None:
    """Write the metrics of a look. What could not be read has none.

    Raises:
        MetricsError: the package is not installed, or the file cannot be written.
    """
    try:
        from prometheus_client import CollectorRegistry, write_to_textfile
    except ImportError as error:
        raise MetricsError(
            "prometheus-client is not installed; run `make .venv/.monitor`"
        ) from error
    registry = CollectorRegistry()
    metrics = _Metrics(registry)
    metrics.add_alerts(sight, look)
    for add in (metrics.add_runs, metrics.add_feeds, metrics.add_places):
        try:
            add(sight)
        except (RecordError, DeliveriesError, SightError, OSError):
            # The look has told it already.
            continue
    try:
        write_to_textfile(str(file), registry)
    except OSError as error:
        raise MetricsError(f"{file}: {error.strerror}; name a file that can be written") from error


class _Metrics:
    """The metrics of a look; docs/operations.md describes each."""

    def __init__(self, registry: "CollectorRegistry") -> None:
        self._registry = registry

    def _set(
        self, name: str, help_text: str, values: Iterator[tuple[dict[str, str], float]]
    ) -> None:
        from prometheus_client import Gauge

        found = list(values)
        if not found:
            return
        gauge = Gauge(name, help_text, list(found[0][0]), registry=self._registry)
        for labels, value in found:
            (gauge.labels(**labels) if labels else gauge).set(value)

    def add_alerts(self, sight: Sight, look: Look) -> None:
        """What holds now, by check: also those without, so that a rule sees them end."""
        names = [alert.finding.check for alert in look.active]
        checks = [*CHECKS, *sorted(set(names) - CHECKS.keys())]
        self._set(
            "brokerage_alerts_active",
            "Alerts that hold now and are not silenced, by check.",
            (({"check": name}, names.count(name)) for name in checks),
        )
        self._set(
            "brokerage_monitor_last_look_timestamp_seconds",
            "When the monitor looked last.",
            iter([({}, _timestamp(sight.now))]),
        )

    def add_runs(self, sight: Sight) -> None:
        """The last runs of each kind on each warehouse."""
        ended: _Ended = {}
        green: _Ended = {}
        for run in sight.runs:
            if run.ended:
                key = run.started.kind, run.started.warehouse
                ended[key] = run.started, run.ended
                if run.ended.status == "success":
                    green[key] = run.started, run.ended
        self._set(
            "brokerage_run_last_success_timestamp_seconds",
            "When the last successful run of a kind ended.",
            ((_labels(run), _timestamp(end.ended_at)) for run, end in green.values()),
        )
        self._set(
            "brokerage_run_last_duration_seconds",
            "The time that the last run of a kind took.",
            ((_labels(run), end.seconds) for run, end in ended.values()),
        )
        self._set(
            "brokerage_run_last_success",
            "Whether the last run of a kind succeeded: 1, or 0.",
            ((_labels(run), float(end.status == "success")) for run, end in ended.values()),
        )
        self._set(
            "brokerage_run_running_seconds",
            "How long a run that has not ended has been running.",
            (
                (_labels(run.started), (sight.now - run.started.started_at).total_seconds())
                for run in sight.running
            ),
        )
        kinds = sight.thresholds["runs"]["finishing_kinds"]
        last = [one for one in green.values() if one[0].kind in kinds]
        if last:
            _, end = max(last, key=lambda one: one[0].started_at)
            self._set(
                "brokerage_batch_duration_seconds",
                "The time of the last successful run that built a batch, or all that were new.",
                iter([({}, end.seconds)]),
            )

    def add_feeds(self, sight: Sight) -> None:
        """What landed last of each feed."""
        last: dict[str, Delivery] = {}
        for label in sight.deliveries.labels:
            for item in sight.deliveries.of_feed(label):
                last[label] = item
        self._set(
            "brokerage_feed_rows",
            "Rows of a feed that landed with its last batch.",
            (({"feed": label}, item.rows_landed) for label, item in last.items()),
        )
        self._set(
            "brokerage_feed_quarantined_rows",
            "Rows of a feed that its last batch brought and that violate its contract.",
            (({"feed": label}, item.rows_quarantined) for label, item in last.items()),
        )
        landings = sight.deliveries.landings
        if landings:
            self._set(
                "brokerage_landed_batch",
                "The last batch that has landed.",
                iter([({}, max(landings))]),
            )
            self._set(
                "brokerage_batch_last_landed_timestamp_seconds",
                "When the batch that came last began to land.",
                iter([({}, _timestamp(max(landings.values())))]),
            )

    def add_places(self, sight: Sight) -> None:
        """Space on disk, and what is published."""
        found = disks(sight)
        self._set(
            "brokerage_filesystem_free_bytes",
            "Free bytes of a file system that holds lake, warehouse, published versions or records.",
            (({"places": ",".join(disk.names)}, disk.free_bytes) for disk in found),
        )
        self._set(
            "brokerage_filesystem_size_bytes",
            "Bytes of a file system that holds lake, warehouse, published versions or records.",
            (({"places": ",".join(disk.names)}, disk.bytes) for disk in found),
        )
        publication = sight.publication
        if publication is None:
            return
        self._set(
            "brokerage_published_whole",
            "Whether readers find a whole version: 1, or 0.",
            iter([({}, float(publication.problem is None))]),
        )
        if publication.batch is not None:
            self._set(
                "brokerage_published_batch",
                "The last batch of the version that readers see.",
                iter([({}, publication.batch)]),
            )
        if publication.published_at is not None:
            self._set(
                "brokerage_published_timestamp_seconds",
                "When the version was published that readers see.",
                iter([({}, _timestamp(publication.published_at))]),
            )


def _labels(run: RunStarted) -> dict[str, str]:
    return {"kind": run.kind, "warehouse": run.warehouse}


def _timestamp(at: datetime) -> float:
    return at.replace(tzinfo=UTC).timestamp()
