"""Replay the batches one by one: load, build, validate, publish, then the next.

Usage:
    python -m scripts.batches                      every batch of data/sources that is not finished yet
    python -m scripts.batches --from 3             batch 3 and those after it, finished or not
    python -m scripts.batches --batch 3            batch 3 only, and before it those that were never finished
    python -m scripts.batches --sources /data/tpcdi --target postgres
    python -m scripts.batches --allow-rejected     continue after a batch of which some rows cannot be modeled
    python -m scripts.batches --full               build every model, and test all rows, with each batch
    python -m scripts.batches --no-publish         readers keep what they have

Load brings the files of the batch into the lake, build runs the models and snapshots that have news, validate runs their data tests over the new rows,
as in `scripts.build`; publish gives them to readers (see `scripts.publish`). (Unit tests prove the code, not the data: they belong to `dbt build` and CI.) The result is the warehouse that one `dbt build`
makes after loading everything.

A batch with rows that cannot be modeled is red, and the replay stops: everything else of the batch is right, and `quality.rejected_rows` has the
rows. Who accepts that they are missing continues with --allow-rejected; the batch is published, and its manifest says what was accepted. Files that are empty or repeat what landed are refused
unless --allow-empty or --allow-repeated accepts them, as in `scripts.load`.

A batch that is green is recorded in the warehouse with a digest of its files (`operations.completed_batches`). So the same command resumes after
a crash, skips what is finished, and repeats a batch whose files or contracts have changed since. It does not notice a changed model: build with
`dbt build --full-refresh`, or replay with `--from 1`.

dbt runs in this process: it starts once, and the project is parsed once. Exit codes: 0 all green; 1 a load, build or validation failed (the
replay stops there); 2 wrong arguments, or the lake, the database or the project cannot be used, or another replay is running; 3 a batch is
green, but readers do not have it (the replay stops there; the same command publishes it).
"""

import hashlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from scripts.history.recording import recorded_run
from scripts.load.contracts import ContractError
from scripts.load.files import Allowance, allowances
from scripts.load.lake import Lake, LakeError
from scripts.load.options import AllowEmptyOption, AllowRepeatedOption, LakeOption, SourcesOption
from scripts.load.run import LoadOptions, LoadResult, load, unlanded_batches
from scripts.load.sources import SourceFolder, SourceFolderError
from scripts.publish.options import NoPublishOption
from scripts.publish.run import Publication, kept_versions, publish
from scripts.publish.versions import NotGreenError, PublishError
from scripts.warehouse.builder import Builder
from scripts.warehouse.dbt import DbtRun, ProjectError
from scripts.warehouse.duckdb_warehouse import with_advice
from scripts.warehouse.engines import UNUSABLE, from_environment
from scripts.warehouse.settings import DEFAULTS, Target, setting, use_setting
from scripts.warehouse.terminal import print_table

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

# What the warehouse reports about a batch: messages by type, results of the audit after it.
SUMMARY = """
    select 'message' as topic, message_type as name, count(*) as row_count
    from {{{{ ref('di_messages') }}}} where batch_id = {batch} group by message_type
    union all
    select 'check', case when result = 'OK' then 'OK' else 'not OK' end, count(*)
    from {{{{ ref('audit_results') }}}} group by case when result = 'OK' then 'OK' else 'not OK' end
    order by topic, name
"""


# The test that names rows which cannot be modeled: all that is wrong is that they are missing.
REJECTED_ROWS = "assert_rejected_rows__there_are_none"


# Called with the number of a batch and each command of dbt that was run for it, green or red.
OnRun = Callable[[int, DbtRun], None]


class BatchError(Exception):
    """A batch did not load, build or validate; the message says which and how to resume."""

    def __init__(self, batch: int, problem: str) -> None:
        super().__init__(_how_to_resume(batch, problem))
        self.batch = batch


@dataclass(frozen=True)
class BatchRun:
    """The result of one batch.

    Attributes:
        batch: its number.
        landed: rows in the lake.
        quarantined: rows that violate their contract.
        load_seconds: time of the load, or of finding that nothing has changed.
        build_seconds: time of all models, seeds and snapshots that had news; 0 if the batch was finished before.
        validate_seconds: time of their data tests; 0 if the batch was finished before.
        publish_seconds: time until readers have it; 0 if it was not published.
        messages: number of messages about this batch in `di_messages`, by type.
        checks: number of results of the audit after this batch, by `OK` and `not OK`.
        was_finished: it was green before, and none of its files has changed.
    """

    batch: int
    landed: int
    quarantined: int
    load_seconds: float
    build_seconds: float = 0.0
    validate_seconds: float = 0.0
    publish_seconds: float = 0.0
    messages: dict[str, int] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    was_finished: bool = False


def main(
    sources: SourcesOption = DEFAULTS["SOURCES"],
    lake: LakeOption = DEFAULTS["LAKE"],
    target: Annotated[
        Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
    ] = Target.DUCKDB,
    first: Annotated[
        int | None,
        typer.Option("--from", min=1, help="Begin with this batch, even if it is finished."),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Only this batch, after earlier ones that were never finished."),
    ] = None,
    allow_repeated: AllowRepeatedOption = False,
    allow_empty: AllowEmptyOption = False,
    allow_rejected: Annotated[
        bool,
        typer.Option(
            "--allow-rejected", help="Continue although rows of a batch cannot be modeled."
        ),
    ] = False,
    full: Annotated[
        bool,
        typer.Option("--full", help="Build every model, and test all rows, with each batch."),
    ] = False,
    no_publish: NoPublishOption = False,
) -> None:
    """Replay the batches one by one: load, build, validate, publish, next."""
    if first and batch:
        raise typer.BadParameter("--from and --batch exclude each other")
    # Where versions are published depends on it.
    use_setting("DBT_TARGET", target)
    accepted = allowances(repeated=allow_repeated, empty=allow_empty)
    published = None if no_publish else Path(setting("PUBLISHED"))
    if published:
        try:
            kept_versions()
        except PublishError as error:
            errors.print(f"batches: {error}", style="red", markup=False)
            raise typer.Exit(2) from error
    with recorded_run("batches", target):
        _replay(
            replay(
                *(sources, lake, target, first, accepted, allow_rejected, full, published),
                only=batch,
            )
        )


def _replay(batches: Iterator[BatchRun]) -> None:
    """Do one batch after the other, and print how it went."""
    runs: list[BatchRun] = []
    try:
        for run in batches:
            runs.append(run)
            console.print(_progress_line(run))
    except BatchError as error:
        errors.print(f"batches: {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    except PublishError as error:
        errors.print(f"batches: {error}", style="red", markup=False)
        raise typer.Exit(3) from error
    except (ContractError, SourceFolderError, LakeError, ProjectError, *UNUSABLE) as error:
        errors.print(f"batches: {with_advice(error)}", style="red", markup=False)
        raise typer.Exit(2) from error
    finally:
        if runs:
            _print_tables(runs)


def replay(
    sources: str,
    lake: str,
    target: Target = Target.DUCKDB,
    first: int | None = None,
    accepted: frozenset[Allowance] = frozenset(),
    allow_rejected: bool = False,
    is_full: bool = False,
    published: Path | None = None,
    *,
    only: int | None = None,
    on_run: OnRun = lambda _, __: None,
) -> Generator[BatchRun]:
    """Load, build, validate and publish the batches of a source folder in their order, yielding each when it is done.

    Sets LAKE and DBT_TARGET, which the dbt project reads, if they mean something else. The project is the one in the working directory, the
    warehouse the one that its profile names. Batches finished before are skipped, unless `first` says where to begin. `accepted` is what the loader accepts although it is
    usually a mistake; with `allow_rejected`, rows that cannot be modeled do not stop the replay; with `is_full`, every model is built and all
    rows are tested with each batch; `published` is the folder of the published versions, None to publish nothing. `only` names the one batch to
    replay; if earlier ones were never finished, they come first. `on_run` is called with each command of dbt, green or red.

    Raises:
        BatchError: a batch cannot be loaded, or is not green; later batches are not begun.
        PublishError: a batch is green, but cannot be published; later batches are not begun.
        SourceFolderError: there is no such folder, or not the batch that is asked for.
        LakeError: the lake cannot be written, or another replay is running.
        PostgresError: the database cannot be reached or written.
        ContractError: a source declaration cannot be used.
        ProjectError: dbt cannot read the project or the warehouse.
    """
    use_setting("LAKE", lake)
    use_setting("DBT_TARGET", target)
    batches = _batches(SourceFolder(sources), Lake(lake), first, only)
    with Lake(lake).locked("replay"):
        with errors.status("parse the project"):
            project = BatchProject(from_environment(target))
        finished = project.completed_batches()
        for batch in batches:
            if only and batch != only and batch in finished:
                continue
            options = LoadOptions(
                sources,
                lake,
                batches=(batch,),
                allowances=accepted,
                target=target,
                with_apart=True,
            )
            digest = None if first else finished.get(batch)
            project.on_run = partial(on_run, batch)
            run = _run_batch(project, options, digest, allow_rejected, is_full or first is not None)
            # What was finished before may not be published yet, but the last one holds all.
            if published and not (run.was_finished and batch != batches[-1]):
                run = _publish_batch(project, run, published)
            yield run


def _batches(
    folder: SourceFolder, lake: Lake, first: int | None, only: int | None = None
) -> list[int]:
    """The batches to replay, up to the `only` one; those before `first` must have landed."""
    if only is not None and only not in folder.batches:
        there = ", ".join(map(str, folder.batches))
        raise SourceFolderError(f"{folder.uri}: no batch {only}; there are {there}")
    if first is None:
        return [batch for batch in folder.batches if only is None or batch <= only]
    batches = [batch for batch in folder.batches if batch >= first]
    if not batches:
        last = folder.batches[-1]
        raise SourceFolderError(f"{folder.uri}: no batch {first} or later; the last one is {last}")
    for batch in unlanded_batches(folder, lake, first):
        raise LakeError(
            f"{lake.uri}: batch {batch} has not landed as a whole; begin with --from {batch}"
        )
    return batches


def _run_batch(
    project: "BatchProject",
    options: LoadOptions,
    finished_digest: str | None,
    allow_rejected: bool,
    is_full: bool,
) -> BatchRun:
    (batch,) = options.batches
    started = time.perf_counter()
    with recorded_run("load", options.target, batch) as run:
        loaded = _load(options, batch)
        run.rows_landed, run.rows_quarantined = loaded.rows_landed, loaded.rows_quarantined
        if loaded.failures:
            raise BatchError(batch, "; ".join(loaded.failures))
    load_seconds = time.perf_counter() - started
    landed, quarantined = (
        sum(getattr(file, rows) for feed in loaded.feeds for file in feed.files)
        for rows in ("rows_landed", "rows_quarantined")
    )
    digest = _digest(loaded)
    if digest == finished_digest:
        return BatchRun(batch, landed, quarantined, load_seconds, was_finished=True)
    with recorded_run("build", options.target, batch) as run:
        try:
            project.begin(is_full=is_full, run=run)
            build_seconds = project.build(f"batch {batch}: build")
            accepted = {REJECTED_ROWS} if allow_rejected else set()
            validate_seconds = project.test(f"batch {batch}: validate", accepted)
            messages, checks = project.summary(batch)
            project.finish()
            project.complete(batch, digest)
        except ProjectError as error:
            raise BatchError(batch, str(error)) from error
    return BatchRun(
        batch,
        landed,
        quarantined,
        load_seconds,
        build_seconds,
        validate_seconds,
        messages=messages,
        checks=checks,
    )


def _load(options: LoadOptions, batch: int) -> LoadResult:
    with errors.status(f"batch {batch}: load"):
        loaded = load(options)
    for message in loaded.warnings:
        errors.print(f"batch {batch}: warning: {message}", style="yellow", markup=False)
    return loaded


def _publish_batch(project: "BatchProject", run: BatchRun, folder: Path) -> BatchRun:
    started = time.perf_counter()
    try:
        with errors.status(f"batch {run.batch}: publish"):
            publication = project.publish(folder)
    except NotGreenError as error:
        if not run.was_finished:
            raise
        # It was green, and dbt has run by itself since.
        errors.print(f"batch {run.batch}: {error}", style="yellow", markup=False)
        return run
    except (PublishError, *UNUSABLE) as error:
        raise PublishError(
            f"batch {run.batch}: green, but not published: {with_advice(error)}; then run the same command again"
        ) from error
    return replace(run, publish_seconds=time.perf_counter() - started if publication.is_new else 0)


def _how_to_resume(batch: int, problem: str) -> str:
    accepting = (
        ", or accept that the rows of quality.rejected_rows are missing: add --allow-rejected"
        if REJECTED_ROWS in problem
        else ""
    )
    return f"batch {batch}: {problem}; correct it and run the same command again{accepting}"


def _digest(loaded: LoadResult) -> str:
    """A SHA-256 of the contracts and files of the batch, in hexadecimal digits."""
    parts = sorted(
        "\n".join((feed.feed.label, feed.feed.fingerprint, file.source_file, file.sha256 or ""))
        for feed in loaded.feeds
        for file in feed.files
    )
    return hashlib.sha256("\n\n".join(parts).encode()).hexdigest()


class BatchProject(Builder):
    """The dbt project, and what it has recorded in the warehouse about batches."""

    def completed_batches(self) -> dict[int, str]:
        """The digest of each batch that is built and validated."""
        found = self.query("{{ completed_batches() }}")
        return {int(batch): digest for batch, digest in found}

    def complete(self, batch: int, digest: str) -> None:
        """Record in the warehouse that a batch is built and validated."""
        self.run_operation("mark_batch_complete", batch_id=batch, digest=digest)

    def publish(self, folder: Path) -> Publication:
        """Publish what the last build has made; see `scripts.publish`."""
        return publish(self._warehouse, folder, self.manifest)

    def summary(self, batch: int) -> tuple[dict[str, int], dict[str, int]]:
        """Messages of a batch by type, and results of the audit by `OK` and `not OK`."""
        counts: dict[str, dict[str, int]] = {"message": {}, "check": {}}
        for topic, name, count in self.query(SUMMARY.format(batch=batch)):
            counts[topic][name] = int(count)
        return counts["message"], counts["check"]


def _progress_line(run: BatchRun) -> str:
    if run.was_finished:
        return f"batch {run.batch}: finished before, skipped"
    if not run.build_seconds and not run.validate_seconds:
        return f"batch {run.batch}: green before, nothing has moved"
    return (
        f"batch {run.batch}: green; load {run.load_seconds:.1f} s, build {run.build_seconds:.1f} s,"
        f" validate {run.validate_seconds:.1f} s, publish {run.publish_seconds:.1f} s"
    )


def _print_tables(runs: Sequence[BatchRun]) -> None:
    work = _table(
        "batches", "landed", "quarantined", "load s", "build s", "validate s", "publish s", ""
    )
    for run in runs:
        seconds = (
            run.load_seconds,
            run.build_seconds,
            run.validate_seconds,
            run.publish_seconds,
        )
        work.add_row(
            str(run.batch),
            f"{run.landed:,}",
            f"{run.quarantined:,}",
            *(f"{figure:.1f}" for figure in seconds),
            "finished before" if run.was_finished else "",
        )
    print_table(work)
    types = sorted({name for run in runs for name in run.messages})
    said = _table("messages and audit", *types, "audit OK", "audit not OK")
    for run in runs:
        if not run.was_finished:
            counts = [run.messages.get(name, 0) for name in types]
            counts += [run.checks.get(name, 0) for name in ("OK", "not OK")]
            said.add_row(str(run.batch), *(f"{count:,}" for count in counts))
    if said.rows:
        print_table(said)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in ("batch", *columns):
        table.add_column(name, justify="right", no_wrap=True)
    return table


if __name__ == "__main__":
    typer.run(main)
