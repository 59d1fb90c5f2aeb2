"""A signal is planted into who leaves, it has the strength that is reported, and nothing else changes."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from brokerage_sources.generate import OutputError, ParameterError, Parameters, generate
from brokerage_sources.generate.attrition import Departures, area_under_curve
from brokerage_sources.generate.crm_actions import CLOSEACCT, INACT
from brokerage_sources.generate.crm_plan import crm_plan
from brokerage_sources.generate.draws import Stream
from brokerage_sources.generate.pool import Pool
from brokerage_sources.generate.run import parameters_of
from brokerage_sources.truth import app, truth
from brokerage_sources.verify import verify

PLAIN, PLANTED = Parameters(scale_factor=3), Parameters(scale_factor=3, attrition_signal=1)


@pytest.fixture(scope="module")
def planted_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted") / "sources"
    generate(Parameters(scale_factor=0.01, attrition_signal=1), folder)
    return folder


def test_counts_of_all_steps_stay_and_only_who_ends_changes() -> None:
    plain, planted = crm_plan(PLAIN).actions, crm_plan(PLANTED).actions
    counts = [
        Counter(zip(each.step.tolist(), each.kind.tolist(), strict=True))
        for each in (plain, planted)
    ]
    assert counts[0] == counts[1]
    for kind in (INACT, CLOSEACCT):
        assert not np.array_equal(
            plain.customer[plain.kind == kind], planted.customer[planted.kind == kind]
        )


def test_planted_files_pass_every_check_of_the_verifier(planted_folder: Path) -> None:
    results = verify(planted_folder, hard_cases_expected=True)
    assert [each.name for each in results if not each.ok] == []


def test_the_signal_has_the_strength_that_is_reported() -> None:
    areas = {
        name: _area(parameters) for name, parameters in (("plain", PLAIN), ("planted", PLANTED))
    }
    assert areas["planted"] == pytest.approx(0.886, abs=0.0005)
    # Who has one account loses the last one sooner.
    assert areas["plain"] == pytest.approx(0.636, abs=0.0005)


def test_as_many_leave_as_is_foreseen() -> None:
    known = list(truth(PLANTED, date(2013, 3, 31)))
    expected = sum(float(each.probability.sum()) for each in known)
    found = sum(int(each.has_left.sum()) for each in known)
    assert abs(found - expected) < 4 * expected**0.5


def _area(parameters: Parameters) -> float | None:
    known: list[Departures] = list(truth(parameters, date(2013, 3, 31)))
    return area_under_curve(
        np.concatenate([each.probability for each in known]),
        np.concatenate([each.has_left for each in known]),
    )


def test_a_weighted_draw_is_in_proportion_and_without_repetition() -> None:
    pool = Pool(4, Stream(1, "a"), Stream(1, "b"))
    pool.add(0, 4)
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    first = Counter(pool.draw_weighted(1, number, weights)[0] for number in range(4000))
    assert [first[member] / 4000 for member in range(4)] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4], abs=0.03
    )
    assert sorted(pool.draw_weighted(4, 1, weights)) == [0, 1, 2, 3]


def test_area_under_the_curve_counts_pairs() -> None:
    score, outcome = (
        np.array([0.1, 0.5, 0.5, 0.9, 0.2]),
        np.array([False, True, False, True, False]),
    )
    pairs = [
        1.0 if above > below else 0.5 if above == below else 0.0
        for above in score[outcome]
        for below in score[~outcome]
    ]
    assert area_under_curve(score, outcome) == pytest.approx(sum(pairs) / len(pairs))
    assert area_under_curve(score, np.zeros(5, dtype=bool)) is None


def test_truth_knows_from_the_manifest_what_was_generated(
    planted_folder: Path, tmp_path: Path
) -> None:
    assert parameters_of(planted_folder) == Parameters(scale_factor=0.01, attrition_signal=1)
    file = tmp_path / "truth.csv"
    shown = CliRunner().invoke(app, [str(planted_folder), "--csv", str(file)])
    assert shown.exit_code == 0, shown.output
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert f"{len(rows):,}" in shown.output
    assert all(0 <= float(row["probability"]) <= 1 for row in rows)


def test_truth_refuses_what_was_not_generated(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not the manifest of a generated dataset"):
        parameters_of(tmp_path)
    assert CliRunner().invoke(app, [str(tmp_path)]).exit_code == 2


@pytest.mark.parametrize("strength", [-1, 4, float("nan")])
def test_a_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(ParameterError, match="attrition_signal must be from 0 to 3"):
        Parameters(attrition_signal=strength)
