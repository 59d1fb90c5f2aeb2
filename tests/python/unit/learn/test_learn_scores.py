"""Scores are written as a whole or not at all, in the digits in which they are answered."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.learn import scores
from scripts.learn.artifact import Model
from scripts.learn.examples import Examples
from scripts.learn.question import LearnError
from scripts.warehouse import files
from tests.python.learning import QUESTION

pytestmark = pytest.mark.xdist_group("learn")


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@pytest.fixture
def today(planted: tuple[Examples, np.ndarray]) -> Examples:
    return planted[0][planted[0].dates == planted[0].dates[-1]]


def table(model: Model, today: Examples, version: int = 1) -> pa.Table:
    return scores.scored_table(model, "champion", version, today, QUESTION, "batch-0003")


def test_reasons_are_given_to_those_at_risk_and_to_nobody_else(
    model: Model, today: Examples
) -> None:
    found = table(model, today)
    said = np.array(found.column("probability").to_pylist(), dtype=np.float64)
    at_risk = found.column("is_at_risk").to_numpy(zero_copy_only=False)
    assert np.array_equal(at_risk, said >= model.description.threshold)
    assert 0 < at_risk.sum() < len(today)
    has_reason = np.array([reason is not None for reason in found.column("reason_1").to_pylist()])
    assert not has_reason[~at_risk].any()
    assert has_reason[at_risk].any()
    assert np.array_equal(said, scores.probabilities_of(model, today, QUESTION))


@pytest.mark.parametrize("step", ["write_table", "flush", "replace"])
def test_a_killed_score_leaves_the_file_before(
    model: Model, today: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    file = tmp_path / "Batch3/scores-attrition-champion.parquet"
    before, after = table(model, today), table(model, today, version=2)
    assert scores._write(before, file)
    places = {"write_table": pq, "flush": files, "replace": Path}
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(places[step], step, _kill)
        scores._write(after, file)
    assert pq.read_table(file).equals(before)
    assert scores._write(after, file)
    assert not scores._write(after, file)
    assert pq.read_table(file).equals(after)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def _kill(*_: object, **__: object) -> None:
    raise Killed


def test_a_folder_that_cannot_be_written_is_named(
    model: Model, today: Examples, tmp_path: Path
) -> None:
    (tmp_path / "Batch3").write_text("a file")
    with pytest.raises(LearnError, match="set SCORES to a folder that can be written"):
        scores._write(table(model, today), tmp_path / "Batch3/scores.parquet")
