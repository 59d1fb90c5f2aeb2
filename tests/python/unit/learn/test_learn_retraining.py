"""A model is trained again when there is a reason to, takes the place of the champion only if it is better, and a kill at any step changes nothing in the end."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scripts.history.records import ModelCheck, ModelOutcome, ModelPromotion, read_records
from scripts.learn import registry as registries
from scripts.learn import retraining, watching
from scripts.learn.drift import Check
from scripts.learn.examples import Examples
from scripts.learn.registry import CHALLENGER, CHAMPION, Registry
from scripts.learn.retraining import Retraining, reason_to_train, retrain
from scripts.learn.training import Trained, train
from tests.python.learning import DATES, QUESTION, SOURCE, a_manifest, moved, planted_customers

pytestmark = pytest.mark.xdist_group("learn")


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@dataclass
class Mornings:
    """Retraining as the orchestrator does it, on customers that a test chooses."""

    folder: Path
    patch: pytest.MonkeyPatch
    runs: int = 0

    @property
    def registry(self) -> Registry:
        return Registry(self.folder / "models")

    def retrain(self, examples: Examples, because: str | None = None) -> Retraining:
        self.runs += 1
        today = examples[examples.dates == examples.dates[-1]]
        self.patch.setattr(retraining, "read_examples", lambda *_: examples)
        self.patch.setattr(retraining, "read_today", lambda *_: today)
        session: Any = SimpleNamespace(manifest=a_manifest(4))
        run_id = f"run-{self.runs}"
        return retrain(run_id, session, QUESTION, self.registry, self.folder / "runs", because)

    def roles(self) -> dict[str, int]:
        return self.registry.aliases("attrition")

    def recorded(self, kind: type) -> list[Any]:
        return read_records(self.folder / "runs", kind)


@pytest.fixture
def mornings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mornings:
    return Mornings(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def examples() -> Examples:
    return planted_customers(strength=1.0, customers=250)[0]


@pytest.fixture(scope="module")
def before(examples: Examples) -> Examples:
    """What was known a quarter before."""
    return examples.on(DATES[:-1])


@pytest.fixture(scope="module")
def first(before: Examples) -> Trained:
    return train(QUESTION, before, SOURCE)


@pytest.fixture(scope="module")
def blind(before: Examples) -> Trained:
    """A champion that has learned from customers whose orders were not recorded."""
    return train(QUESTION, moved(before, order_count=np.zeros(len(before))), SOURCE)


def never(*_: object) -> Trained:
    raise AssertionError("trained, although it was there")


def test_the_first_version_is_promoted_if_it_is_better_than_chance(
    mornings: Mornings, before: Examples, first: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retraining, "train", lambda *_: first)
    done = mornings.retrain(before)
    assert (done.reason, done.version, done.is_promoted) == ("there is no champion", 1, True)
    assert "the new champion: first champion: AUC" in done.told
    assert mornings.roles() == {CHAMPION: 1}
    again = mornings.retrain(before)
    assert (again.version, again.is_promoted) == (None, False)
    assert again.told.startswith("nothing to learn: version 1 knows all quarters")


def test_another_quarter_is_a_reason_and_what_is_not_better_is_kept_as_challenger(
    mornings: Mornings, examples: Examples, first: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    mornings.registry.add(first)
    mornings.registry.assign("attrition", CHAMPION, 1, "first")
    done = mornings.retrain(examples)
    assert done.reason == "it is known what happened after 2016-12-31"
    assert (done.version, done.is_new, done.is_promoted) == (2, True, False)
    assert "kept as challenger: AUC" in done.told
    assert "with 95 % confidence; needed is +0.0050" in done.told
    assert mornings.roles() == {CHAMPION: 1, CHALLENGER: 2}
    log = mornings.registry.log("attrition")
    monkeypatch.setattr(retraining, "train", never)
    again = mornings.retrain(examples)
    assert (again.version, again.is_new, again.is_promoted) == (2, False, False)
    assert mornings.registry.log("attrition") == log


def test_a_better_version_takes_the_place_of_the_champion(
    mornings: Mornings, examples: Examples, blind: Trained
) -> None:
    mornings.registry.add(blind)
    mornings.registry.assign("attrition", CHAMPION, 1, "first")
    done = mornings.retrain(examples)
    assert (done.version, done.is_promoted) == (2, True)
    assert mornings.roles() == {CHAMPION: 2}
    promoted = mornings.recorded(ModelPromotion)
    assert [(each.role, each.model_version) for each in promoted] == [
        (CHAMPION, 1),
        (CHALLENGER, 2),
        (CHAMPION, 2),
    ]
    assert promoted[-1].area == pytest.approx(
        mornings.registry.description("attrition", 2).figures["hold_out"]["area"], abs=1e-4
    )
    # Of the run, what is recorded is about the new champion.
    assert {each.model_version for each in mornings.recorded(ModelCheck)} == {2}
    outcomes = mornings.recorded(ModelOutcome)
    assert [each.as_of_date for each in outcomes] == [day.isoformat() for day in DATES[-5:]]


def test_somebody_may_have_a_reason_of_their_own(
    mornings: Mornings, before: Examples, first: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    mornings.registry.add(first)
    mornings.registry.assign("attrition", CHAMPION, 1, "first")
    monkeypatch.setattr(retraining, "training_digest", lambda *_: first.description.training)
    done = mornings.retrain(before, because="prices have changed")
    assert done.reason == "prices have changed"
    assert "it is the champion already" in done.told
    assert mornings.roles() == {CHAMPION: 1}


def test_drift_is_a_reason_and_faults_of_the_data_are_none(
    mornings: Mornings, before: Examples, first: Trained
) -> None:
    registry = mornings.registry
    registry.add(first)
    registry.assign("attrition", CHAMPION, 1, "first")

    def reason(**values: float) -> str | None:
        checks = [
            Check(name, "order_count", value, "attrition", 1, a_manifest(4))
            for name, value in values.items()
        ]
        return reason_to_train(registry, "attrition", before, checks)

    assert reason(input_drift=0.2, age_days=400) is None
    assert reason(missing_share=0.5, out_of_range_share=0.5, answer_seconds_p99=9) is None
    assert reason(input_drift=0.3, area_loss=0.3) == (
        "area_loss of order_count is 0.300, from 0.1 on somebody acts"
    )


STEPS = {
    "before the version is there": (Registry, "add"),
    "while it is written": (registries, "flush_tree"),
    "before it is the challenger": (Registry, "assign"),
    "before it is judged": (retraining, "judged"),
    "before this is recorded": (Registry, "unrecorded"),
    "while it is recorded": (watching, "write_records"),
    "before it is known that it is recorded": (Registry, "mark_recorded"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_changes_nothing_in_the_end(
    mornings: Mornings,
    before: Examples,
    first: Trained,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    monkeypatch.setattr(retraining, "train", lambda *_: first)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(*STEPS[step], _kill)
        mornings.retrain(before)
    mornings.retrain(before)
    mornings.retrain(before)
    assert mornings.roles() == {CHAMPION: 1}
    assert mornings.registry.versions("attrition") == [1]
    log = mornings.registry.log("attrition")
    assert [(each.alias, each.version) for each in log] == [(CHALLENGER, 1), (CHAMPION, 1)]
    # Twice is once: the time tells.
    recorded = {each.promoted_at for each in mornings.recorded(ModelPromotion)}
    assert recorded == {each.at for each in log}


def _kill(*_: object, **__: object) -> None:
    raise Killed


def test_a_kill_between_the_two_promotions_leaves_a_challenger_that_is_judged_again(
    mornings: Mornings, before: Examples, first: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retraining, "train", lambda *_: first)
    assign = Registry.assign

    def killed_at_the_champion(registry: Registry, name: str, alias: str, *more: Any) -> object:
        if alias == CHAMPION:
            raise Killed
        return assign(registry, name, alias, *more)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Registry, "assign", killed_at_the_champion)
        mornings.retrain(before)
    assert mornings.roles() == {CHALLENGER: 1}
    assert mornings.retrain(before).is_promoted
    assert mornings.roles() == {CHAMPION: 1}


def test_what_contacts_cost_stays_as_it_is(
    mornings: Mornings, examples: Examples, first: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = {"contact": 30.0, "saved": 400.0}
    dear = replace(first, description=replace(first.description, costs=costs))
    mornings.registry.add(dear)
    mornings.registry.assign("attrition", CHAMPION, 1, "first")
    asked = []
    monkeypatch.setattr(retraining, "train", lambda *given: asked.append(given[-1]) or first)
    monkeypatch.setattr(Registry, "add", lambda *_: (1, False))
    mornings.retrain(examples)
    assert [(each.contact, each.saved) for each in asked] == [(30, 400)]
