"""Processes that train, promote and score are killed with SIGKILL before each of their steps on the disk, and at random moments; what is run again is right."""

import hashlib
import random
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.learn.registry import Registry
from scripts.warehouse.workspace import Workspace
from tests.python.killed_commands import Commands

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built"), pytest.mark.slow]

MODEL = "attrition"
TRAIN, FORCE = ("train",), ("promote", "--force", "no signal in the samples")
# What is done before a command, and the command.
COMMANDS = {
    "train": ((), TRAIN),
    "promote": ((TRAIN,), FORCE),
    "score": ((TRAIN, FORCE), ("score",)),
    "retrain": ((), ("retrain",)),
}


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    with Commands() as commands:
        yield commands


@dataclass
class Place:
    """Models, scores and records of one attempt."""

    commands: Commands
    workspace: Workspace
    folder: Path

    def run(
        self,
        *arguments: str,
        killed_before: int | None = None,
        killed_after: float | None = None,
    ) -> int:
        places = {name: str(self.folder / name.lower()) for name in ("MODELS", "SCORES", "RUNS")}
        environment = self.workspace.environment | places
        return self.commands.run(environment, arguments, killed_before, killed_after)

    def state(self) -> dict[str, object]:
        """Everything that others read: versions, roles, how they came about, and scores."""
        registry = Registry(self.folder / "models")
        files = [
            *(self.folder / "models").rglob("model.*"),
            *(self.folder / "scores").rglob("*.parquet"),
        ]
        return {
            "aliases": registry.aliases(MODEL),
            "log": [(each.alias, each.version) for each in registry.log(MODEL)],
            "files": {
                str(file.relative_to(self.folder)): hashlib.sha256(file.read_bytes()).hexdigest()
                for file in files
            },
        }

    def check_readable(self) -> None:
        """Whoever reads after a kill finds versions that are whole, and roles of versions that are there."""
        registry = Registry(self.folder / "models")
        for version in registry.versions(MODEL):
            registry.model(MODEL, version)
        assert set(registry.aliases(MODEL).values()) <= set(registry.versions(MODEL))

    def copy(self, folder: Path) -> "Place":
        shutil.copytree(self.folder, folder)
        return Place(self.commands, self.workspace, folder)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_killed_anywhere_is_run_again_and_right(
    commands: Commands, published_workspace: Workspace, tmp_path: Path, command: str
) -> None:
    earlier, arguments = COMMANDS[command]
    (tmp_path / "before").mkdir()
    before = Place(commands, published_workspace, tmp_path / "before")
    for each in earlier:
        assert before.run(*each) == 0
    undisturbed = before.copy(tmp_path / "undisturbed")
    assert undisturbed.run(*arguments) == 0
    expected = undisturbed.state()
    assert expected["aliases"] and expected["files"]

    def check_again(place: Place) -> None:
        place.check_readable()
        assert place.run(*arguments) == 0
        assert place.state() == expected
        shutil.rmtree(place.folder)

    kills = 0
    while True:
        place = before.copy(tmp_path / f"before_step_{kills + 1}")
        code = place.run(*arguments, killed_before=kills + 1)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        check_again(place)
        kills += 1
    assert kills > 5, "the command makes nothing durable"
    assert place.state() == expected
    chance = random.Random(command)
    for number in range(3):
        place = before.copy(tmp_path / f"moment_{number}")
        place.run(*arguments, killed_after=chance.uniform(0.1, 2))
        check_again(place)
