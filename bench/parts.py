"""The parts of the benchmark: what each measures, and where it applies.

A part of files is measured once for each scale; a part of an engine for each scale and engine. Every run of a step
happens in a fresh process; its preparation (an empty warehouse, a loaded lake) is not counted.
"""

import shutil
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bench.api import measure_answers
from bench.dashboard import served, visit_pages
from bench.learn import measure_model
from bench.work import (
    MODELS,
    BatchTimes,
    DayTimes,
    copy_files,
    copy_trades,
    explain_slowest,
    generate_dataset,
    load_all,
    load_new,
    published_batches,
    replay,
    run_batches,
    run_dbt,
    share_trades,
)
from scripts.warehouse.process import Run, run_in_subprocess
from scripts.warehouse.settings import Target
from scripts.warehouse.workspace import Workspace

Outcome = TypeVar("Outcome")
FORMATS = ("delimited", "fixed_width", "xml")
# The step that finds no work: the whole command, its start included.
NOTHING_NEW = "nothing new"
# The step that shares are compared with.
PLAIN_COPY = "plain copy"


@dataclass(frozen=True)
class Options:
    """What the caller chose.

    Attributes:
        repeat: runs of each step.
        days: daily batches of the part that has many.
        memory_limit: memory of DuckDB in the measurement with little memory, in its notation of sizes.
        slowest: how many models to profile.
        profiles: folder for the profiles.
        seconds: how long the API is asked each question.
    """

    repeat: int
    days: int
    memory_limit: str
    slowest: int
    profiles: Path
    seconds: float = 5.0


@dataclass(frozen=True)
class Bench:
    """One part being measured, and its results so far."""

    scale: float
    workspace: Workspace
    options: Options
    say: Callable[[str], None]
    steps: dict[str, list[Run]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def repeats(self) -> range:
        """One number for each run of a step."""
        return range(self.options.repeat)

    def measure(self, step: str, work: Callable[[], Outcome]) -> Outcome:
        """Do the work once more for a step; returns what the work returns.

        Raises:
            WorkError: the work did not complete.
        """
        runs = self.steps.setdefault(step, [])
        self.say(f"{step}, run {len(runs) + 1}")
        run, outcome = run_in_subprocess(work)
        runs.append(run)
        return outcome

    def dbt(self, step: str, *arguments: str) -> int:
        """Measure a command of dbt; returns the number of its nodes."""
        return self.measure(step, partial(run_dbt, self.workspace, *arguments))


def measure_generator(bench: Bench) -> None:
    """Speed of the generator, altogether and by module."""
    work = partial(generate_dataset, bench.workspace, bench.scale)
    datasets = [bench.measure("generate", work) for _ in bench.repeats]
    first = datasets[0]
    bench.figures.update(rows=first.rows, bytes=first.bytes)
    bench.figures["modules"] = {
        module: {
            "bytes": sum(
                file.bytes for task in first.tasks if task.module == module for file in task.files
            ),
            "cpu_seconds": statistics.median(
                sum(task.cpu_seconds for task in dataset.tasks if task.module == module)
                for dataset in datasets
            ),
        }
        for module in dict.fromkeys(task.module for task in first.tasks)
    }


def measure_floor(bench: Bench) -> None:
    """The copy floor, which every other figure is compared with."""
    for _ in bench.repeats:
        size = bench.measure("copy floor", partial(copy_files, bench.workspace))
    bench.figures.update(asdict(size))


def measure_formats(bench: Bench) -> None:
    """The loader, format by format, into the lake."""
    for name in FORMATS:
        for _ in bench.repeats:
            size = bench.measure(name, partial(load_all, bench.workspace, name))
        bench.figures[name] = asdict(size)


def measure_load(bench: Bench) -> None:
    """All batches, from source files to what dbt reads."""
    for _ in bench.repeats:
        _remove_everything(bench.workspace)
        size = bench.measure("load", partial(load_all, bench.workspace))
    bench.figures.update(asdict(size), lake_bytes=_bytes_below(bench.workspace.lake))


def measure_start(bench: Bench) -> None:
    """The start of dbt: the project parsed for the first time, and unchanged since the last time."""
    for _ in bench.repeats:
        shutil.rmtree(bench.workspace.target, ignore_errors=True)
        for step in ("first start", "start"):
            bench.dbt(step, "ls", "--resource-type", "seed")


def measure_build(bench: Bench) -> None:
    """One `dbt build` of all batches into an empty warehouse: seeds, models, unit tests, data tests."""
    _prepare(bench.workspace)
    for _ in bench.repeats:
        bench.workspace.replaceable.drop_built()
        bench.figures["nodes"] = bench.dbt("build", "build")
    bench.figures.update(
        tables=bench.workspace.warehouse.row_counts(), bytes=bench.workspace.replaceable.size()
    )


def measure_models(bench: Bench) -> None:
    """The same in parts: the models alone, then the tests alone on what these have built."""
    _prepare(bench.workspace)
    for _ in bench.repeats:
        bench.workspace.replaceable.drop_built()
        bench.figures["models"] = bench.dbt("models", *MODELS)
        for step, kind in (("data tests", "test"), ("unit tests", "unit_test")):
            bench.figures[step] = bench.dbt(step, "test", "--resource-type", kind)


def measure_replay(bench: Bench) -> None:
    """The batches one after the other: load, run all models, next.

    One model at a time, so that the seconds of a model are its own.
    """
    _prepare(bench.workspace)
    workspace = bench.workspace.with_variables(DBT_THREADS="1")
    bench.figures.update(_replayed(bench, "replay", workspace))
    bench.figures.update(tables=workspace.warehouse.row_counts())


def measure_daily(bench: Bench) -> None:
    """Each batch is delivered, loaded, built and validated before the next one, in a process of its own; then nothing is new."""
    delivered = bench.workspace.sources
    workspace = replace(bench.workspace, folder=bench.workspace.folder / "daily")
    batches = _batches(delivered)
    replays = []
    for _ in bench.repeats:
        _remove_everything(workspace)
        shutil.rmtree(workspace.sources, ignore_errors=True)
        run_in_subprocess(partial(run_dbt, workspace, "ls", "--resource-type", "seed"))
        times = []
        for batch in batches:
            _deliver(delivered, workspace.sources, batch)
            times += bench.measure(f"batch {batch}", partial(run_batches, workspace))
        bench.measure(NOTHING_NEW, partial(run_batches, workspace))
        replays.append(times)
    bench.figures.update(_median_days(replays))


def measure_days(bench: Bench) -> None:
    """Many daily batches, one after the other: does a day slow down as history grows? What does it cost to find that nothing is new?"""
    workspace = replace(bench.workspace, folder=bench.workspace.folder / "days")
    run_in_subprocess(partial(generate_dataset, workspace, bench.scale, bench.options.days))
    replays = []
    for _ in bench.repeats:
        _remove_everything(workspace)
        replays.append(bench.measure("days", partial(run_batches, workspace)))
        bench.measure("load, nothing new", partial(load_new, workspace))
        bench.measure(NOTHING_NEW, partial(run_batches, workspace))
    bench.figures.update(_median_days(replays))


def measure_share(bench: Bench) -> None:
    """All trades of the first batch as a share, against a plain copy of the same columns; then those of the last batch, with what has changed."""
    workspace = replace(bench.workspace, folder=bench.workspace.folder / "share")
    _remove_everything(workspace)
    shutil.rmtree(workspace.sources, ignore_errors=True)
    for batch in _batches(bench.workspace.sources):
        _deliver(bench.workspace.sources, workspace.sources, batch)
    run_in_subprocess(partial(run_batches, workspace, is_published=True))
    _, versions = run_in_subprocess(partial(published_batches, workspace))
    for _ in bench.repeats:
        shutil.rmtree(workspace.folder / "shares", ignore_errors=True)
        bench.figures["rows"] = bench.measure(
            PLAIN_COPY, partial(copy_trades, workspace, versions[0])
        )
        bench.measure("first version", partial(share_trades, workspace, versions[0]))
        _, changed = bench.measure("next version", partial(share_trades, workspace, versions[-1]))
        bench.figures["changed"] = changed


def measure_limited(bench: Bench) -> None:
    """One `dbt build` with less memory than DuckDB would use."""
    _prepare(bench.workspace)
    limit = bench.options.memory_limit
    workspace = bench.workspace.with_variables(DUCKDB_MEMORY_LIMIT=limit)
    for _ in bench.repeats:
        bench.workspace.replaceable.drop_built()
        bench.figures["nodes"] = bench.measure("build", partial(run_dbt, workspace, "build"))
    bench.figures["limit"] = limit


def measure_profile(bench: Bench) -> None:
    """Plans, with the time of each step, of the slowest models; written to the folder for profiles."""
    _prepare(bench.workspace)
    bench.workspace.replaceable.drop_built()
    work = partial(explain_slowest, bench.workspace, bench.options.slowest)
    plans = bench.measure("profile", work)
    folder = bench.options.profiles / f"{bench.workspace.warehouse.target}-{bench.scale:g}"
    folder.mkdir(parents=True, exist_ok=True)
    for model, plan in plans.items():
        (folder / f"{model}.txt").write_text(plan, encoding="utf-8")
    bench.say(f"{len(plans)} profiles are in {folder}")


def measure_api(bench: Bench) -> None:
    """All batches built and published; then what clients of the API wait for, and what they would wait for without it."""
    workspace = bench.workspace.with_variables(PUBLISHED=f"{bench.workspace.folder}/published")
    run_in_subprocess(partial(run_batches, workspace, is_published=True))
    folder = bench.workspace.folder / "api"
    work = partial(measure_answers, workspace.environment, folder, bench.options.seconds)
    bench.figures.update(bench.measure("api", work))


def measure_dashboard(bench: Bench) -> None:
    """All batches built and published; then each page of the dashboards, as a new reader finds it, and a filter on it."""
    workspace = bench.workspace.with_variables(PUBLISHED=f"{bench.workspace.folder}/published")
    run_in_subprocess(partial(run_batches, workspace, is_published=True))
    visits = []
    for _ in bench.repeats:
        # A server of its own each time: what was asked before is kept.
        with served(workspace.environment, bench.workspace.folder / "dashboard.txt") as address:
            visits.append(list(visit_pages(address)))
    bench.figures["pages"] = {
        page[0].page: {
            step: statistics.median(getattr(visit, step) for visit in page)
            for step in ("first_paint", "complete", "filter")
        }
        for page in zip(*visits, strict=True)
    }


def measure_learn(bench: Bench) -> None:
    """All batches built and published; features against marts, then a model: trained, scoring all customers, and asked for one."""
    workspace = bench.workspace.with_variables(PUBLISHED=f"{bench.workspace.folder}/published")
    run_in_subprocess(partial(run_batches, workspace, is_published=True))
    folder = bench.workspace.folder / "learn"
    shutil.rmtree(folder, ignore_errors=True)
    work = partial(measure_model, workspace.environment, folder, bench.options.seconds)
    bench.figures.update(bench.measure("model", work))
    for _ in bench.repeats:
        for layer in ("features", "marts"):
            bench.dbt(layer, "run", "--full-refresh", "--select", f"path:models/{layer}")


# In the order in which they are measured; a later part may use what an earlier one has built.
FILE_PARTS = {
    "generate": measure_generator,
    "floor": measure_floor,
    "formats": measure_formats,
}
ENGINE_PARTS = {
    "load": measure_load,
    "start": measure_start,
    "build": measure_build,
    "models": measure_models,
    "replay": measure_replay,
    "daily": measure_daily,
    "share": measure_share,
    "limited": measure_limited,
    "profile": measure_profile,
    "days": measure_days,
    "api": measure_api,
    "dashboard": measure_dashboard,
    "learn": measure_learn,
}
ON_REQUEST = ("profile", "days", "api", "dashboard", "learn")


def applies(part: str, scale: float, engine: str, scales: Iterable[float]) -> bool:
    """Whether a part is measured at this scale: some are not measured at every scale."""
    if part in ("start", "days"):
        return scale == min(scales)
    if part == "limited":
        return scale == max(scales) and engine == Target.DUCKDB
    return part != "share" or engine == Target.DUCKDB


def _prepare(workspace: Workspace) -> None:
    """Load what is not loaded and parse the project: not counted."""
    run_in_subprocess(partial(load_new, workspace))
    run_in_subprocess(partial(run_dbt, workspace, "ls", "--resource-type", "seed"))


def _remove_everything(workspace: Workspace) -> None:
    shutil.rmtree(workspace.lake, ignore_errors=True)
    workspace.replaceable.empty()


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _batches(sources: Path) -> list[int]:
    """The numbers of the batches of a folder of sources."""
    return sorted(int(path.name.removeprefix("Batch")) for path in sources.glob("Batch*/"))


def _deliver(source: Path, target: Path, batch: int) -> None:
    """Put the files of a batch, and what belongs to no batch, into a folder of sources."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        is_wanted = path.name in (f"Batch{batch}", f"Batch{batch}_audit.csv")
        if (is_wanted or not path.name.startswith("Batch")) and not (target / path.name).exists():
            (target / path.name).symlink_to(path)


def _replayed(bench: Bench, step: str, workspace: Workspace) -> dict[str, Any]:
    """Replay all batches into an empty warehouse as often as requested; returns the medians."""
    replays = []
    for _ in bench.repeats:
        _remove_everything(workspace)
        replays.append(bench.measure(step, partial(replay, workspace)))
    return _median_times(replays)


def _median_days(replays: list[list[DayTimes]]) -> dict[str, Any]:
    """Medians over some replays of the same batches: seconds of each batch, by what was done with it."""
    batches = list(zip(*replays, strict=True))
    return {
        "load": [statistics.median(run.load for run in runs) for runs in batches],
        "build": [statistics.median(run.build for run in runs) for runs in batches],
        "validate": [statistics.median(run.validate for run in runs) for runs in batches],
    }


def _median_times(replays: list[list[BatchTimes]]) -> dict[str, Any]:
    """Medians over some replays of the same batches: seconds of each batch, and of each model in each batch."""
    batches = list(zip(*replays, strict=True))
    return {
        "load": [statistics.median(run.load for run in runs) for runs in batches],
        "build": [statistics.median(run.build for run in runs) for runs in batches],
        "models": {
            model: [statistics.median(run.models[model] for run in runs) for runs in batches]
            for model in replays[0][0].models
        },
    }
