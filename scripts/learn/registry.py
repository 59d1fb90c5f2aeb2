"""Versions of models, which of them is the champion and which the challenger, and the log of all promotions.

Usage:
    registry = Registry(Path("data/models"))
    number = registry.add(trained)
    registry.assign("attrition", CHAMPION, number, "first version")
    model = registry.model("attrition", registry.aliases("attrition")[CHAMPION])

A version is a folder `<model>/versions/<number>`, written beside and renamed, and never changed. Aliases and their log are one file, `<model>/aliases.json`, which is
replaced by a rename: whoever reads finds the state before a promotion or the one after it, and the log always tells how it came about. Whoever writes holds a lock.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from scripts.history.recording import user_name
from scripts.learn.artifact import CARD, DESCRIPTION, GRAPH, Description, Model
from scripts.learn.card import card_of
from scripts.learn.question import LearnError
from scripts.learn.training import Trained
from scripts.warehouse.clock import utc_now
from scripts.warehouse.files import NotLockableError, flush, flush_tree, open_locked, replacing

CHAMPION, CHALLENGER = "champion", "challenger"
ALIASES = (CHAMPION, CHALLENGER)
_FILE, _VERSIONS, _UNFINISHED = "aliases.json", "versions", ".unfinished-"
_ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class Promotion:
    """An alias was given to a version.

    Attributes:
        at: when, UTC.
        alias: which.
        version: that has it now; None if none has.
        previous: that had it before; None if none had.
        reason: why, in words of the program.
        user_name: who did it.
        note: why, in words of who did it.
    """

    at: datetime
    alias: str
    version: int | None
    previous: int | None
    reason: str
    user_name: str
    note: str | None = None

    @property
    def why(self) -> str:
        """Reason and note in one line."""
        return f"{self.reason}: {self.note}" if self.note else self.reason


class Registry:
    """Models in a folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self, name: str) -> list[int]:
        """The numbers of the versions of a model, in order."""
        places = (self.folder / name / _VERSIONS).glob("*")
        return sorted(int(place.name) for place in places if place.name.isdecimal())

    def add(self, trained: Trained) -> tuple[int, bool]:
        """Add a version; returns its number, and whether it is new: the same training gives the same version.

        Raises:
            LearnError: it cannot be written.
        """
        name = trained.description.name
        with self._locked(name):
            if (there := self.version_of(name, trained.description.training)) is not None:
                return there, False
            number = max(self.versions(name), default=0) + 1
            place = self.folder / name / _VERSIONS
            beside = place / f"{_UNFINISHED}{uuid4()}"
            beside.mkdir(parents=True)
            (beside / GRAPH).write_bytes(trained.graph)
            (beside / DESCRIPTION).write_text(trained.description.as_json(), encoding="utf-8")
            (beside / CARD).write_text(card_of(trained.description, number), encoding="utf-8")
            flush_tree(beside)
            beside.rename(place / str(number))
            flush(place)
        return number, True

    def version_of(self, name: str, training: str) -> int | None:
        """The version of a training (`Description.training`); None if there is none.

        Raises:
            LearnError: a version cannot be read.
        """
        found = (
            number
            for number in self.versions(name)
            if self.description(name, number).training == training
        )
        return next(found, None)

    def description(self, name: str, version: int) -> Description:
        """What is known of a version.

        Raises:
            LearnError: there is no such version, or it cannot be read.
        """
        return Description.read(self.place(name, version))

    def model(self, name: str, version: int) -> Model:
        """A version that scores.

        Raises:
            LearnError: there is no such version, or it cannot be read.
        """
        return Model.read(self.place(name, version))

    def place(self, name: str, version: int) -> Path:
        """The folder of a version.

        Raises:
            LearnError: there is no such version.
        """
        if version not in self.versions(name):
            there = ", ".join(map(str, self.versions(name))) or "none"
            raise LearnError(f"{name}: no version {version} in {self.folder}; there are: {there}")
        return self.folder / name / _VERSIONS / str(version)

    def aliases(self, name: str) -> dict[str, int]:
        """The version of each alias that one has.

        Raises:
            LearnError: they cannot be read.
        """
        return {
            alias: version
            for alias, version in self._state(name)["aliases"].items()
            if version is not None
        }

    def log(self, name: str) -> list[Promotion]:
        """All promotions of a model, in their order.

        Raises:
            LearnError: it cannot be read.
        """
        return [
            Promotion(**{**entry, "at": datetime.fromisoformat(entry["at"])})
            for entry in self._state(name)["log"]
        ]

    def unrecorded(self, name: str) -> list[tuple[int, Promotion]]:
        """Promotions that were not recorded yet with the runs, with their numbers in the log.

        Raises:
            LearnError: they cannot be read.
        """
        recorded = self._state(name).get("recorded", 0)
        return list(enumerate(self.log(name), start=1))[recorded:]

    def mark_recorded(self, name: str, number: int) -> None:
        """Remember that all promotions up to a number were recorded. Who is killed before records some again: they count once.

        Raises:
            LearnError: the state cannot be written.
        """
        with self._locked(name):
            state = self._state(name)
            state["recorded"] = max(number, state.get("recorded", 0))
            self._write(name, state)

    def assign(
        self, name: str, alias: str, version: int | None, reason: str, note: str | None = None
    ) -> Promotion:
        """Give an alias to a version; a champion is no challenger any more.

        Args:
            name: of the model.
            alias: champion or challenger.
            version: that gets it; None: nobody has it.
            reason: why, for the log, in words of the program.
            note: the same in words of who does it.

        Raises:
            LearnError: no reason is given, there is no such version, or the state cannot be written.
        """
        if note is not None and not note.strip():
            raise LearnError(f"{name}: say why; the log keeps it")
        if version is not None:
            # What cannot be read cannot serve.
            self.model(name, version)
        with self._locked(name):
            state = self._state(name)
            previous = state["aliases"].get(alias)
            promotion = Promotion(utc_now(), alias, version, previous, reason, user_name(), note)
            state["aliases"][alias] = version
            if alias == CHAMPION and state["aliases"].get(CHALLENGER) == version:
                state["aliases"][CHALLENGER] = None
            state["log"].append(asdict(promotion))
            self._write(name, state)
        return promotion

    def roll_back(self, name: str, note: str) -> Promotion:
        """Make the champion before this one the champion again; again and again, the one before that.

        Raises:
            LearnError: there was none, or the state cannot be written.
        """
        champions: list[int | None] = []
        for entry in self.log(name):
            if entry.alias == CHAMPION and entry.reason == _ROLLED_BACK:
                champions.pop()
            elif entry.alias == CHAMPION:
                champions.append(entry.version)
        if len(champions) < 2:
            current = self.aliases(name).get(CHAMPION)
            raise LearnError(f"{name}: there was no champion before version {current}")
        return self.assign(name, CHAMPION, champions[-2], _ROLLED_BACK, note)

    def _state(self, name: str) -> dict[str, Any]:
        file = self.folder / name / _FILE
        try:
            state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"aliases": {}, "log": []}
        except (OSError, ValueError) as error:
            raise LearnError(
                f"{file}: cannot be read: {error}; restore it from a backup"
            ) from error
        return state

    def _write(self, name: str, state: dict[str, Any]) -> None:
        content = json.dumps(state, indent=1, default=lambda time: time.isoformat()) + "\n"
        with replacing(self.folder / name / _FILE) as beside:
            beside.write_text(content, encoding="utf-8")

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Keep other writers out, and remove what a killed one has left."""
        folder = self.folder / name
        try:
            with open_locked(folder / ".lock", waits=True):
                for place in (folder, folder / _VERSIONS):
                    for left in place.glob(f"{_UNFINISHED}*"):
                        shutil.rmtree(left) if left.is_dir() else left.unlink()
                yield
        except NotLockableError as error:
            raise LearnError(
                f"{folder}: cannot be locked: {error.strerror}; set MODELS to a folder on a disk of this machine"
            ) from error
        except OSError as error:
            raise LearnError(
                f"{folder}: cannot be written: {error.strerror}; make room there, or set MODELS to a folder that can be written"
            ) from error
