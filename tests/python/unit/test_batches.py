"""The replay of batches: what it does, skips and says; dbt is replaced, its own runs are in the integration tests."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import duckdb
import pytest
from typer.testing import CliRunner

from scripts import batches
from scripts.history.recording import OpenRun
from scripts.load.feeds import FeedResult
from scripts.load.files import FileResult
from scripts.load.lake import Lake
from scripts.load.run import CONTRACTS_FOLDER, LoadOptions, LoadResult, read_contracts
from scripts.publish.versions import NotGreenError, PublishError
from scripts.warehouse.base import Warehouse

FEED = read_contracts(CONTRACTS_FOLDER).feeds[0]


@dataclass
class FakeDataset:
    """A warehouse that remembers what was done to it, and files with the checksums they have now."""

    checksums: dict[int, str]
    done: list[str] = field(default_factory=list)
    finished: dict[int, str] = field(default_factory=dict)
    red: str = ""
    red_test: str = "one_model"
    allowed: set[str] = field(default_factory=set)
    full: list[bool] = field(default_factory=list)
    is_published: bool = True
    cannot_publish: PublishError | None = None
    warehouse: Warehouse | None = None
    published: Path | None = None

    def load(self, options: LoadOptions) -> LoadResult:
        (batch,) = options.batches
        self.done.append(f"load {batch}")
        self.allowed |= set(options.allowances)
        status = "failed" if self.red == f"load {batch}" else "loaded"
        file = FileResult("a.txt", status, self.checksums[batch], rows_landed=7, message="torn")
        return LoadResult([FeedResult(FEED, batch, [file])], missing_batches=[(7, 7)])


class FakeProject:
    """In place of the dbt project."""

    dataset: ClassVar[FakeDataset]
    on_run: Callable[[object], None]

    def __init__(self, warehouse: Warehouse) -> None:
        self.dataset.warehouse = warehouse

    def begin(self, *, is_full: bool, run: OpenRun) -> None:
        self.dataset.full.append(is_full)

    def build(self, label: str) -> float:
        return self._step(label)

    def test(self, label: str, accepted: Collection[str]) -> float:
        return self._step(label, accepted)

    def _step(self, label: str, accepted: Collection[str] = ()) -> float:
        self.dataset.done.append(label.replace("batch ", "").replace(":", ""))
        self.on_run(self.dataset.done[-1])
        if self.dataset.red == self.dataset.done[-1] and self.dataset.red_test not in accepted:
            raise batches.ProjectError(f"{self.dataset.red_test} is red")
        return 1.0

    def finish(self) -> None:
        self.dataset.done.append("recorded")
        self.dataset.is_published = False

    def publish(self, folder: Path) -> SimpleNamespace:
        if self.dataset.cannot_publish:
            raise self.dataset.cannot_publish
        is_new = not self.dataset.is_published
        if is_new:
            self.dataset.done.append("published")
            self.dataset.published = folder
        self.dataset.is_published = True
        return SimpleNamespace(is_new=is_new)

    def completed_batches(self) -> dict[int, str]:
        return dict(self.dataset.finished)

    def complete(self, batch: int, digest: str) -> None:
        self.dataset.finished[batch] = digest

    def summary(self, batch: int) -> tuple[dict[str, int], dict[str, int]]:
        return {"Alert": batch}, {"OK": 10, "not OK": 1}


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDataset:
    dataset = FakeDataset({1: "a", 2: "b", 3: "c"})
    for batch in dataset.checksums:
        (tmp_path / "sources" / f"Batch{batch}").mkdir(parents=True)
        (tmp_path / "sources" / f"Batch{batch}" / "a.txt").touch()
    monkeypatch.setenv("SOURCES", str(tmp_path / "sources"))
    monkeypatch.setenv("LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DBT_TARGET", "duckdb")
    monkeypatch.setattr(FakeProject, "dataset", dataset, raising=False)
    monkeypatch.setattr(batches, "BatchProject", FakeProject)
    monkeypatch.setattr(batches, "load", dataset.load)
    return dataset


def replay(dataset: FakeDataset, *arguments: str) -> tuple[int, list[str], str]:
    """Exit code, what was done, and what was printed."""
    dataset.done = []
    app = batches.typer.Typer()
    app.command()(batches.main)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, dataset.done, " ".join(result.output.split())


def land(lake: Lake, *batches: int) -> None:
    """The logs that a load leaves of each feed."""
    for feed in read_contracts(CONTRACTS_FOLDER).feeds:
        for batch in filter(feed.comes_in, batches):
            log = Path(lake.batch_files(feed.system, feed.name, batch).log)
            log.parent.mkdir(parents=True, exist_ok=True)
            log.touch()


STEPS = ("load {}", "{} build", "{} validate", "recorded", "published")
ALL = [step.format(batch) for batch in (1, 2, 3) for step in STEPS]


def test_each_batch_is_loaded_built_and_validated_before_the_next(dataset: FakeDataset) -> None:
    code, done, said = replay(dataset)
    assert code == 0
    assert done == ALL
    assert "3 7 0" in said
    assert "3 3 10 1" in said, "messages and audit of batch 3"


def test_how_many_versions_stay_is_checked_before_anything_is_loaded(
    dataset: FakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT_VERSIONS", "0")
    code, done, said = replay(dataset)
    assert (code, done) == (2, [])
    assert "KEPT_VERSIONS=0: set it to a whole number" in said


def test_versions_of_a_database_are_published_apart_from_those_of_a_file(
    dataset: FakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUBLISHED", raising=False)
    monkeypatch.setenv("WAREHOUSE", "data/warehouse.duckdb")
    assert replay(dataset, "--target", "postgres")[:2] == (0, ALL)
    assert dataset.published == Path("data/published_postgres")


def test_warnings_of_the_load_are_shown_with_their_batch(dataset: FakeDataset) -> None:
    code, _, said = replay(dataset)
    assert code == 0
    assert "batch 2: warning: missing from the lake: batch 7" in said


def test_a_warehouse_that_cannot_be_opened_is_said_in_a_line(
    dataset: FakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> dict[int, str]:
        raise duckdb.IOException("Could not set lock on file")

    monkeypatch.setattr(FakeProject, "completed_batches", refuse)
    code, done, said = replay(dataset)
    assert (code, done) == (2, [])
    assert said.endswith(
        "batches: Could not set lock on file; close the program that has the warehouse open"
    )


def test_a_batch_that_cannot_be_published_stops_the_replay_and_is_published_by_the_next(
    dataset: FakeDataset,
) -> None:
    dataset.cannot_publish = PublishError("the disk is full")
    code, done, said = replay(dataset)
    assert (code, done) == (3, ALL[:4])
    assert "batch 1: green, but not published: the disk is full; then run the same command" in said
    dataset.cannot_publish = None
    assert replay(dataset)[:2] == (0, ["load 1", *ALL[5:]])


def test_what_was_finished_before_and_could_not_be_published_is_published(
    dataset: FakeDataset,
) -> None:
    replay(dataset, "--no-publish")
    assert not dataset.is_published
    assert replay(dataset)[:2] == (0, ["load 1", "load 2", "load 3", "published"])
    # The project has changed since: a replay does not notice that.
    dataset.cannot_publish = NotGreenError("the project has changed")
    code, _, said = replay(dataset)
    assert code == 0
    assert "batch 3: the project has changed" in said


def test_readers_keep_what_they_have_if_they_shall(dataset: FakeDataset) -> None:
    assert replay(dataset, "--no-publish")[:2] == (0, [step for step in ALL if step != "published"])


def test_switches_of_the_loader_reach_it(dataset: FakeDataset) -> None:
    replay(dataset)
    assert dataset.allowed == set()
    replay(dataset, "--allow-repeated", "--allow-empty")
    assert dataset.allowed == {"repeated", "empty"}


def test_rejected_rows_stop_the_replay_until_they_are_accepted(dataset: FakeDataset) -> None:
    dataset.red, dataset.red_test = "2 validate", batches.REJECTED_ROWS
    code, done, said = replay(dataset)
    assert (code, done[-1]) == (1, "2 validate")
    assert "accept that the rows of quality.rejected_rows are missing: add --allow-rejected" in said
    code, done, _ = replay(dataset, "--allow-rejected")
    assert (code, done) == (0, ["load 1", *ALL[5:]])


def test_accepting_rejected_rows_accepts_no_other_red_test(dataset: FakeDataset) -> None:
    dataset.red = "2 validate"
    code, _, said = replay(dataset, "--allow-rejected")
    assert code == 1
    assert "--allow-rejected" not in said


def test_a_finished_batch_is_only_compared_with_its_files(dataset: FakeDataset) -> None:
    replay(dataset)
    code, done, said = replay(dataset)
    assert code == 0
    assert done == ["load 1", "load 2", "load 3"]
    assert said.count("finished before, skipped") == 3


def test_a_batch_whose_files_have_changed_is_done_again(dataset: FakeDataset) -> None:
    replay(dataset)
    dataset.checksums[2] = "other"
    assert replay(dataset)[1] == [
        "load 1",
        "load 2",
        "2 build",
        "2 validate",
        "recorded",
        "published",
        "load 3",
    ]


@pytest.mark.parametrize("red", ["load 2", "2 build", "2 validate"])
def test_a_replay_stops_where_it_is_red_and_the_same_command_resumes_there(
    dataset: FakeDataset, red: str
) -> None:
    dataset.red = red
    code, done, said = replay(dataset)
    assert code == 1
    assert done == ALL[: ALL.index(red) + 1]
    assert "batch 2" in said
    assert "run the same command again" in said
    dataset.red = ""
    code, done, _ = replay(dataset)
    assert code == 0
    assert done == ["load 1", *ALL[5:]]


def test_a_replay_begins_where_it_is_asked_to_finished_or_not(
    dataset: FakeDataset, tmp_path: Path
) -> None:
    replay(dataset)
    land(Lake(str(tmp_path / "lake")), 1, 2)
    assert replay(dataset, "--from", "3")[:2] == (0, ALL[10:])


def test_a_replay_cannot_begin_after_a_batch_that_failed(
    dataset: FakeDataset, tmp_path: Path
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    land(lake, 1, 2)
    Path(lake.batch_files("brokerage", "trade", 2).failure).touch()
    code, done, said = replay(dataset, "--from", "3")
    assert (code, done) == (2, [])
    assert "batch 2 has not landed as a whole; begin with --from 2" in said


def test_a_replay_cannot_begin_after_a_batch_that_is_not_there(dataset: FakeDataset) -> None:
    code, done, said = replay(dataset, "--from", "3")
    assert (code, done) == (2, [])
    assert "batch 1 has not landed as a whole; begin with --from 1" in said
    code, _, said = replay(dataset, "--from", "4")
    assert code == 2
    assert "no batch 4 or later; the last one is 3" in said


def test_one_batch_comes_after_earlier_ones_that_were_never_finished(dataset: FakeDataset) -> None:
    assert replay(dataset, "--batch", "2")[:2] == (0, ALL[:10])
    code, done, said = replay(dataset, "--batch", "3")
    assert (code, done) == (0, ALL[10:])
    assert "batch 3: green" in said


def test_one_batch_that_is_finished_is_only_compared_with_its_files(dataset: FakeDataset) -> None:
    replay(dataset)
    assert replay(dataset, "--batch", "2")[:2] == (0, ["load 2"])
    dataset.checksums.update({1: "other", 2: "other"})
    assert replay(dataset, "--batch", "2")[1] == ALL[5:10]


def test_one_batch_waits_for_an_earlier_one_that_is_red(dataset: FakeDataset) -> None:
    dataset.red = "1 validate"
    code, done, said = replay(dataset, "--batch", "3")
    assert (code, done) == (1, ALL[:3])
    assert "batch 1" in said


def test_one_batch_that_is_not_there_is_refused(dataset: FakeDataset) -> None:
    code, done, said = replay(dataset, "--batch", "4")
    assert (code, done) == (2, [])
    assert "no batch 4; there are 1, 2, 3" in said
    code, done, said = replay(dataset, "--batch", "2", "--from", "2")
    assert (code, done) == (2, [])
    assert "exclude each other" in said


def test_each_command_of_dbt_is_told_with_its_batch(dataset: FakeDataset, tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []
    sources, lake = str(tmp_path / "sources"), str(tmp_path / "lake")
    runs = batches.replay(
        sources, lake, only=2, on_run=lambda batch, run: told.append((batch, run))
    )
    assert [run.batch for run in runs] == [1, 2]
    assert told == [(1, "1 build"), (1, "1 validate"), (2, "2 build"), (2, "2 validate")]


def test_a_second_replay_at_the_same_time_is_turned_away(
    dataset: FakeDataset, tmp_path: Path
) -> None:
    with Lake(str(tmp_path / "lake")).locked("replay"):
        code, done, said = replay(dataset)
    assert (code, done) == (2, [])
    assert "another replay is writing to this lake; wait for it to end" in said
