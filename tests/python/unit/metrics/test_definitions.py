"""Definitions that cannot be used say what to do, in one line."""

import json
import sys
from pathlib import Path

import pytest

from scripts.metrics.definitions import Definitions, MetricsError
from scripts.warehouse.settings import Target

CONTENT = {
    "semantic_models": [],
    "project_configuration": {"time_spines": []},
    "metrics": [{"name": "clients", "type": "simple"}],
}


def test_without_the_extra_a_question_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0].startswith("metricflow")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "metricflow", None)
    monkeypatch.setitem(sys.modules, "metricflow_semantics", None)
    manifest = tmp_path / "semantic_manifest.json"
    manifest.write_text(json.dumps(CONTENT))
    definitions = Definitions(manifest)
    assert list(definitions.metrics) == ["clients"]
    with pytest.raises(MetricsError, match=r"is not installed; run `make \.venv/\.metrics`"):
        definitions.statement(Target.DUCKDB, ["clients"])


@pytest.mark.parametrize("content", [None, "", "{"])
def test_a_manifest_that_is_missing_or_broken_says_how_to_write_it(
    content: str | None, tmp_path: Path
) -> None:
    manifest = tmp_path / "semantic_manifest.json"
    if content is not None:
        manifest.write_text(content)
    with pytest.raises(MetricsError, match="dbt parse"):
        Definitions(manifest)
