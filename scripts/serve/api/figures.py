"""Figures about the server, for Prometheus.

Usage:
    figures = Figures()
    figures.add("/v1/trades", 200, 0.012)
    text = figures.text(manifest)
"""

from datetime import UTC

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from scripts.publish.manifest import Manifest

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Figures:
    """The figures of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "brokerage_api_requests",
            "Requests that were answered.",
            ("path", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "brokerage_api_request_duration_seconds",
            "Seconds from the request to the first byte of the answer.",
            ("path",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batch = Gauge(
            "brokerage_api_published_batch",
            "Last batch that readers have.",
            registry=self._registry,
        )
        self._published = Gauge(
            "brokerage_api_published_timestamp_seconds",
            "When it was published; 0 if nothing is, or it cannot be read.",
            registry=self._registry,
        )

    def add(self, path: str, status: int, seconds: float) -> None:
        """Count a request, by the template of its path."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def text(self, manifest: Manifest | None) -> bytes:
        """In the text format of Prometheus.

        Args:
            manifest: of what is published; None if nothing can be read.
        """
        published_at = manifest.published_at.replace(tzinfo=UTC) if manifest else None
        self._batch.set(manifest.batch_id if manifest else 0)
        self._published.set(published_at.timestamp() if published_at else 0)
        return generate_latest(self._registry)
