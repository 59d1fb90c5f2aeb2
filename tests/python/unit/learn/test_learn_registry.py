"""Versions are whole, aliases and their log are one, and a process that is killed leaves the state before or the one after."""

from dataclasses import replace
from pathlib import Path

import pytest

from scripts.learn import registry as registries
from scripts.learn.question import LearnError
from scripts.learn.registry import CHALLENGER, CHAMPION, Registry
from scripts.learn.training import Trained
from scripts.warehouse import files

pytestmark = pytest.mark.xdist_group("learn")


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def another(trained: Trained, number: int) -> Trained:
    return replace(trained, description=replace(trained.description, training=f"{number}"))


@pytest.fixture
def registry(tmp_path: Path, trained: Trained) -> Registry:
    registry = Registry(tmp_path / "models")
    for number in (1, 2):
        assert registry.add(another(trained, number)) == (number, True)
    return registry


def test_the_same_training_is_the_same_version(registry: Registry, trained: Trained) -> None:
    assert registry.add(another(trained, 2)) == (2, False)
    assert registry.add(another(trained, 3)) == (3, True)
    assert registry.versions("attrition") == [1, 2, 3]


def test_promotion_moves_the_alias_and_is_logged(registry: Registry) -> None:
    registry.assign("attrition", CHALLENGER, 1, "trained")
    registry.assign("attrition", CHAMPION, 1, "first")
    assert registry.aliases("attrition") == {CHAMPION: 1}
    registry.assign("attrition", CHALLENGER, 2, "trained")
    registry.assign("attrition", CHAMPION, 2, "better")
    assert registry.aliases("attrition") == {CHAMPION: 2}
    entries = [(entry.alias, entry.version, entry.previous) for entry in registry.log("attrition")]
    assert entries == [
        (CHALLENGER, 1, None),
        (CHAMPION, 1, None),
        (CHALLENGER, 2, None),
        (CHAMPION, 2, 1),
    ]


def test_rolling_back_makes_the_champion_before_champion_again(registry: Registry) -> None:
    registry.assign("attrition", CHAMPION, 1, "first")
    registry.assign("attrition", CHAMPION, 2, "better")
    assert registry.roll_back("attrition", "worse").version == 1
    assert registry.aliases("attrition") == {CHAMPION: 1}
    assert registry.log("attrition")[-1].why == "rolled back: worse"


def test_rolling_back_again_goes_further_back(registry: Registry) -> None:
    for version, reason in ((1, "first"), (2, "better"), (1, "forced"), (2, "better")):
        registry.assign("attrition", CHAMPION, version, reason)
    assert [registry.roll_back("attrition", "worse").version for _ in range(3)] == [1, 2, 1]
    with pytest.raises(LearnError, match="no champion before version 1"):
        registry.roll_back("attrition", "worse")


@pytest.mark.parametrize("note", ["", " "])
def test_nothing_is_rolled_back_without_a_reason(registry: Registry, note: str) -> None:
    registry.assign("attrition", CHAMPION, 1, "first")
    registry.assign("attrition", CHAMPION, 2, "better")
    with pytest.raises(LearnError, match="say why"):
        registry.roll_back("attrition", note)
    assert registry.aliases("attrition") == {CHAMPION: 2}


def test_without_a_champion_before_there_is_no_way_back(registry: Registry) -> None:
    registry.assign("attrition", CHAMPION, 1, "first")
    with pytest.raises(LearnError, match="no champion before version 1"):
        registry.roll_back("attrition", "worse")


def test_what_is_not_there_cannot_be_promoted(registry: Registry) -> None:
    with pytest.raises(LearnError, match="no version 7"):
        registry.assign("attrition", CHAMPION, 7, "x")
    assert registry.log("attrition") == []


@pytest.mark.parametrize("step", range(1, 5))
def test_a_killed_training_leaves_no_half_version(
    registry: Registry, trained: Trained, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Killed while a file is written, before the rename, after it, and never."""
    steps = {
        1: (registries, "card_of"),
        2: (registries, "flush_tree"),
        3: (Path, "rename"),
        4: (registries, "flush"),
    }
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(*steps[step], _kill)
        registry.add(another(trained, 3))
    number, is_new = registry.add(another(trained, 3))
    assert (number, is_new) == (3, step < 4)
    assert registry.model("attrition", 3).description.training == "3"
    left = [path.name for path in (registry.folder / "attrition/versions").iterdir()]
    assert sorted(left) == ["1", "2", "3"]


@pytest.mark.parametrize(("target", "name"), [(files, "flush"), (Path, "replace")])
def test_a_killed_promotion_leaves_the_champion_and_its_log(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, target: object, name: str
) -> None:
    registry.assign("attrition", CHAMPION, 1, "first")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(target, name, _kill)
        registry.assign("attrition", CHAMPION, 2, "better")
    assert registry.aliases("attrition") == {CHAMPION: 1}
    assert len(registry.log("attrition")) == 1
    registry.assign("attrition", CHAMPION, 2, "better")
    assert registry.aliases("attrition") == {CHAMPION: 2}
    assert [path.name for path in (registry.folder / "attrition").glob(".unfinished*")] == []


def _kill(*_: object, **__: object) -> None:
    raise Killed


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, trained: Trained) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(LearnError, match="set MODELS to a folder that can be written"):
        Registry(tmp_path / "models").add(trained)


def test_damaged_aliases_are_named(registry: Registry) -> None:
    (registry.folder / "attrition/aliases.json").write_text("{")
    with pytest.raises(LearnError, match=r"aliases\.json: cannot be read"):
        registry.aliases("attrition")
