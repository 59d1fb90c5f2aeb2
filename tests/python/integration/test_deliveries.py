"""Deliveries that are incomplete or in the wrong order turn the test that names the batch, from the loader to dbt."""

import json
import shutil
from pathlib import Path

import pytest

from scripts.load.run import LoadOptions, load
from scripts.warehouse.workspace import Workspace

pytestmark = pytest.mark.integration

GAP = "assert_batches__none_is_missing"
DATES = "assert_batches__each_has_a_later_date_than_the_one_before"


def test_a_gap_and_a_date_that_does_not_rise_are_named(small_dataset: Path, tmp_path: Path) -> None:
    workspace = Workspace.on_duckdb(tmp_path)
    for batch in (1, 3):
        folder = workspace.sources / f"Batch{batch}"
        folder.mkdir(parents=True)
        shutil.copyfile(small_dataset / "Batch3/Account.txt", folder / "Account.txt")
        (folder / "BatchDate.txt").write_text(f"2017-07-{9 - batch:02}\n")
    loaded = load(LoadOptions(str(workspace.sources), str(workspace.lake)))
    failures = [text for text in loaded.failures if text.startswith("control.batch_date")]
    assert [text.partition(":")[0] for text in failures] == ["control.batch_date of batch 3"]
    assert results(workspace) == {GAP: ("warn", 1), DATES: ("fail", 1)}
    shown = workspace.dbt("show", "-q", "-s", DATES, "--output", "json")
    (row,) = json.loads(shown.stdout)["show"]
    assert row["batch_id"] == 3
    assert "batch_date 2017-07-06 of batch 3 is not after 2017-07-08 of batch 1" in row["message"]


def results(workspace: Workspace) -> dict[str, tuple[str, int]]:
    """Status and number of rows of the two tests."""
    selected = ("stg_control__load_log", "stg_control__batches", GAP, DATES)
    workspace.dbt("build", "-s", *selected)
    found = json.loads((workspace.target / "run_results.json").read_text())["results"]
    names = {result["unique_id"].split(".")[2]: result for result in found}
    return {name: (names[name]["status"], names[name]["failures"]) for name in (GAP, DATES)}
