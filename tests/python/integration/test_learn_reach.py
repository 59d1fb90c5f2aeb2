"""At a scale at which there is something to find: the model finds nearly all that can be found, and nothing where there is nothing."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner

from brokerage_sources.generate import Parameters, generate
from brokerage_sources.truth import app as truth
from scripts.learn.evaluation import area_under_curve
from scripts.learn.examples import Examples, read_examples
from scripts.learn.promotion import MOST_CHANCE
from scripts.learn.question import question_of
from scripts.learn.training import Trained, split, train
from scripts.load.run import LoadOptions, load
from scripts.serve.declarations import Declarations
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import Workspace
from tests.python.learning import SOURCE

pytestmark = [pytest.mark.integration, pytest.mark.slow]


class Reader:
    """Reads a warehouse that is not published: what is asked of a session when a model is trained."""

    def __init__(self, warehouse: DuckDBWarehouse) -> None:
        self._connection = duckdb.connect(str(warehouse.file), read_only=True)

    def relation(self, name: str) -> str:
        return name

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        return self._connection.sql(sql, params=list(parameters) or None).to_arrow_table()


# The tables that are read, with everything that they need.
TABLES = {
    "attrition": ("+ftr_customer_quarters", "+ftr_customer_attrition"),
    "conversion": ("+ftr_prospect_weeks", "+ftr_prospect_conversion"),
}


def learned(folder: Path, parameters: Parameters, name: str) -> tuple[Examples, Trained]:
    """The examples of a hold-out, and the model that was trained on those before."""
    workspace = Workspace.on_duckdb(folder)
    generate(parameters, workspace.sources)
    assert load(LoadOptions(str(workspace.sources), str(workspace.lake))).failures == []
    without_tests = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    command = ("--log-level", "warn", "build", *without_tests, "--select", *TABLES[name])
    built = workspace.dbt(*command)
    assert built.returncode == 0, built.stdout
    question = question_of(name, Declarations.of_file(workspace.target / "manifest.json"))
    assert isinstance(workspace.warehouse, DuckDBWarehouse)
    session: Any = Reader(workspace.warehouse)
    examples = read_examples(session, question)
    return examples.on(split(examples)[1]), train(question, examples, SOURCE)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("attrition", Parameters(scale_factor=3, attrition_signal=1)),
        ("conversion", Parameters(scale_factor=1, incremental_batches=60, conversion_signal=1)),
    ],
)
def test_with_a_signal_at_least_95_percent_of_the_reachable_lift_is_found(
    tmp_path: Path, name: str, parameters: Parameters
) -> None:
    held_out, trained = learned(tmp_path, parameters, name)
    file = tmp_path / "truth.csv"
    command = (str(tmp_path / "sources"), "--question", name, "--csv", str(file))
    assert CliRunner().invoke(truth, command).exit_code == 0
    with file.open() as stream:
        known = {tuple(row[:2]): float(row[2]) for row in csv.reader(stream) if row[2][0].isdigit()}
    keys = zip(map(str, held_out.ids.tolist()), held_out.dates.astype(str).tolist(), strict=True)
    best = area_under_curve(np.array([known[key] for key in keys]), held_out.outcomes)
    figures = trained.description.figures["hold_out"]
    assert best > 0.75
    assert figures["happened"] > 100
    assert (figures["area"] - 0.5) / (best - 0.5) >= 0.95
    assert figures["chance"] <= MOST_CHANCE


def test_without_a_signal_nothing_is_found_that_chance_would_not_find(tmp_path: Path) -> None:
    _, trained = learned(tmp_path, Parameters(scale_factor=1), "attrition")
    figures = trained.description.figures["hold_out"]
    assert figures["happened"] > 20
    assert figures["area"] < figures["area_by_chance_upper"]
    assert figures["chance"] > MOST_CHANCE
