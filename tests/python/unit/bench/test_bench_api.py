"""The part of the benchmark that asks the API: figures of times, and their tables on the page."""

from pathlib import Path

import pytest

from bench.api import answer_times
from bench.page import write_page
from bench.results import Result, Results

FIGURES = {"per_second": 1234.5, "p50_ms": 1.25, "p95_ms": 2.5, "p99_ms": 1012.0}


def test_percentiles_are_of_all_times_of_all_clients() -> None:
    figures = answer_times([number / 1000 for number in range(1, 101)], seconds=2)
    assert figures["per_second"] == 50
    assert figures["p50_ms"] == pytest.approx(50.5)
    assert figures["p99_ms"] == pytest.approx(99.99)
    assert answer_times([0.25], seconds=1)["p99_ms"] == 250


def test_the_page_compares_the_api_with_sql(tmp_path: Path) -> None:
    download = {"rows": 5_000_000, "bytes": 2**30, "seconds": 12.0, "peak_mib_before": 400.0, "peak_mib": 480.0}  # fmt: skip
    answers = {"look-up": {"SQL": {"1": FIGURES}, "API": {"1": FIGURES, "8": FIGURES}}}
    result = Result(3, "duckdb", "api", "2026-11-30T12:00:00", "abc", {}, {}, {"answers": answers, "download": download})  # fmt: skip
    write_page(tmp_path / "page.md", Results([result]), slowest=5)
    page = (tmp_path / "page.md").read_text()
    assert "| duckdb, 3 | look-up | API | 8 | 1,234 | 1.2 | 2.5 | 1,012.0 |" in page
    assert "| duckdb, 3 | 5,000,000 | 1,024 | 12.0 | 400 | 480 |" in page
