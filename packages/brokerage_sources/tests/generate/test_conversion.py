"""A signal is planted into which prospects become customers, it has the strength that is reported, and no count changes."""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from brokerage_sources.generate import ParameterError, Parameters, generate
from brokerage_sources.generate import crm_values as crm
from brokerage_sources.generate.attrition import area_under_curve
from brokerage_sources.generate.conversion import batch_of_customers
from brokerage_sources.generate.prospect import prospect_customers, turnover
from brokerage_sources.truth import app, conversions
from brokerage_sources.verify import verify

PLANTED = Parameters(scale_factor=1, incremental_batches=60, conversion_signal=1)
PLAIN = Parameters(scale_factor=1, incremental_batches=60)


def test_without_the_option_nobody_on_the_list_becomes_a_customer() -> None:
    known = list(conversions(PLAIN, date(2017, 7, 1)))
    assert len(known) == 8
    assert sum(int(each.has_converted.sum()) for each in known) == 0


def test_new_customers_were_on_the_list_before_and_each_is_one_prospect() -> None:
    customers, lists = prospect_customers(PLANTED), turnover(PLANTED)
    sizes = PLANTED.sizes
    comes = batch_of_customers(PLANTED, customers)
    converted = np.flatnonzero((comes > 1) & (customers != crm.ABSENT))
    assert len(converted) == 60 * sizes.customer_mix.new
    assert len(np.unique(customers[converted])) == len(converted)
    assert (lists.first[converted] < comes[converted]).all()
    assert (comes[converted] < lists.gone[converted]).all()


def test_the_signal_has_the_strength_that_is_reported() -> None:
    known = list(conversions(PLANTED, date(2017, 7, 1)))
    probability = np.concatenate([each.probability[~each.is_customer] for each in known])
    happened = np.concatenate([each.has_converted[~each.is_customer] for each in known])
    assert area_under_curve(probability, happened) == pytest.approx(0.778, abs=0.0005)
    assert abs(happened.sum() - probability.sum()) < 4 * probability.sum() ** 0.5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[float, Path]:
    folder = tmp_path_factory.mktemp("conversion")
    made = {strength: folder / f"sources_{strength}" for strength in (0.0, 1.0)}
    for strength, place in made.items():
        generate(
            Parameters(scale_factor=0.01, incremental_batches=9, conversion_signal=strength), place
        )
    return made


def test_planted_files_have_as_many_rows_and_pass_every_check_of_the_verifier(
    folders: dict[float, Path],
) -> None:
    rows = {
        strength: {
            file.relative_to(folder): file.read_bytes().count(b"\n")
            for file in folder.rglob("Prospect*.csv")
        }
        for strength, folder in folders.items()
    }
    assert rows[0.0] == rows[1.0]
    results = verify(folders[1.0], hard_cases_expected=True)
    assert [each.name for each in results if not each.ok] == []


def test_only_the_prospect_list_changes(folders: dict[float, Path]) -> None:
    plain, planted = folders[0.0], folders[1.0]
    changed = {
        file.name
        for file in plain.rglob("*")
        if file.is_file() and file.read_bytes() != (planted / file.relative_to(plain)).read_bytes()
    }
    assert changed <= {"Prospect.csv", "Prospect_audit.csv", "manifest.json"}
    assert "Prospect.csv" in changed


def test_truth_names_prospects_as_the_list_does(folders: dict[float, Path], tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    shown = CliRunner().invoke(
        app, [str(folders[1.0]), "--question", "conversion", "--csv", str(file)]
    )
    assert shown.exit_code == 0, shown.output
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert {row["as_of_date"] for row in rows} == {"2017-07-09"}
    # The batch of that day is the third one.
    listed = (folders[1.0] / "Batch3/Prospect.csv").read_text().splitlines()
    assert {row["agency_id"] for row in rows} <= {line.split(",", 1)[0] for line in listed}
    assert sum(int(row["has_converted"]) for row in rows) > 50


def test_a_strength_out_of_range_is_refused() -> None:
    with pytest.raises(ParameterError, match="conversion_signal must be from 0 to 3"):
        Parameters(conversion_signal=5)
