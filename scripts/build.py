"""Build and test what has moved since the last green build.

Usage:
    python -m scripts.build                 after python -m scripts.load
    python -m scripts.build --full          every model, and every test over all rows: weekly, say
    python -m scripts.build --target postgres
    python -m scripts.build --no-publish    readers keep what they have

If new batches came after all that is built, tables without news are left alone, and tests look at the new rows. Everything is built, and tested in full, if
the project has changed, or if dbt has run by itself meanwhile; everything with news is tested in full if a batch was replaced or came late. `dbt build` does
the same as --full, and also runs the unit tests of the models, which prove the code and not the data. A changed rule reaches the rows that incremental tables
already hold only with `dbt build --full-refresh`.

What is green is published for its readers (see scripts.publish), into the folder PUBLISHED. The run is recorded in the folder RUNS (docs/operations.md).

Exit codes: 0 all green; 1 a model or test is red; 2 the warehouse or the project cannot be used; 3 all is green, but readers do not have it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.history.recording import OpenRun, recorded_run
from scripts.publish.options import NoPublishOption
from scripts.publish.run import kept_versions, publish
from scripts.publish.versions import PublishError
from scripts.warehouse.base import Warehouse
from scripts.warehouse.changes import landed_since_last_build, project_digest
from scripts.warehouse.duckdb_warehouse import with_advice
from scripts.warehouse.engines import UNUSABLE, from_environment
from scripts.warehouse.settings import Target, setting, use_setting

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


def main(
    target: Annotated[
        Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
    ] = Target.DUCKDB,
    full: Annotated[
        bool, typer.Option("--full", help="Build everything, and test all rows.")
    ] = False,
    no_publish: NoPublishOption = False,
) -> None:
    """Build and test what has moved since the last green build."""
    use_setting("DBT_TARGET", target)
    if not no_publish:
        try:
            kept_versions()
        except PublishError as error:
            raise _failed(error, 2) from error
    with recorded_run("build", target) as run:
        warehouse, project = _build(target, full, run)
    if not no_publish:
        _publish(warehouse, project)


def _build(target: Target, is_full: bool, run: OpenRun) -> tuple[Warehouse, "Manifest | None"]:
    """Build and test; returns the warehouse, and the project if it was parsed."""
    try:
        warehouse = from_environment(target)
        # With --full, too: a warehouse that cannot be opened is found at once.
        has_news = not has_nothing_new(warehouse)
        if not (has_news or is_full):
            typer.echo("Nothing has moved since the last green build.")
            return warehouse, None
    except UNUSABLE as error:
        raise _failed(error, 2) from error

    # Imported when it is needed: it takes longer than to find that nothing has moved.
    from scripts.warehouse.builder import Builder
    from scripts.warehouse.dbt import ProjectError

    try:
        builder = Builder(warehouse)
        builder.begin(is_full=is_full, run=run)
    except (ProjectError, *UNUSABLE) as error:
        raise _failed(error, 2) from error
    try:
        builder.build_and_test("build")
        builder.finish()
    except ProjectError as error:
        raise _failed(error, 1) from error
    return warehouse, builder.manifest


def has_nothing_new(warehouse: Warehouse) -> bool:
    """Whether the warehouse is green and holds what the lake holds, by this project."""
    changes = landed_since_last_build(warehouse, project_digest(Path.cwd()))
    return changes is not None and not changes.batches


def _publish(warehouse: Warehouse, project: "Manifest | None") -> None:
    folder = Path(setting("PUBLISHED"))
    try:
        typer.echo(publish(warehouse, folder, project).summary(folder))
    except (PublishError, *UNUSABLE) as error:
        raise _failed(f"all is green, but not published: {with_advice(error)}", 3) from error


def _failed(problem: Exception | str, code: int) -> typer.Exit:
    typer.secho(f"build: {with_advice(problem)}", fg="red", err=True)
    return typer.Exit(code)


if __name__ == "__main__":
    typer.run(main)
