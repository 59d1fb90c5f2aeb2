"""Publish what the last green build has made, for those who read it.

Usage:
    python -m scripts.publish                      after python -m scripts.build, which does the same as its last step
    python -m scripts.publish --keep 10            keep more versions than usual
    python -m scripts.publish --published /srv/brokerage

Readers open data/published/current/analyst.duckdb, in which personal columns are masked, or auditor.duckdb, which only the user who publishes may
read; manifest.json beside them says what they hold. `current` leads to a new version only when all of it is there. What is not green is not published, and
if nothing was built since the last version, nothing is done. On Postgres, readers have the schemas published_marts, published_quality, ...

Exit codes: 0 readers have the last build; 2 the last build is not green, another program publishes, or a file or the database cannot be used.
"""

from pathlib import Path
from typing import Annotated

import typer

from scripts.publish.options import PublishedOption
from scripts.publish.run import publish
from scripts.publish.versions import PublishError
from scripts.warehouse.duckdb_warehouse import with_advice
from scripts.warehouse.engines import UNUSABLE, from_environment
from scripts.warehouse.settings import DEFAULTS, Target, setting, use_setting


def main(
    published: PublishedOption = None,
    target: Annotated[
        Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
    ] = Target.DUCKDB,
    keep: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many versions stay besides the current one; by default KEPT_VERSIONS,"
            f" or {DEFAULTS['KEPT_VERSIONS']}.",
        ),
    ] = None,
) -> None:
    """Publish what the last green build has made, for those who read it."""
    use_setting("DBT_TARGET", target)
    folder = published or Path(setting("PUBLISHED"))
    try:
        publication = publish(from_environment(target), folder, keep=keep)
    except (PublishError, *UNUSABLE) as error:
        typer.secho(f"publish: {with_advice(error)}", fg="red", err=True)
        raise typer.Exit(2) from error
    typer.echo(publication.summary(folder))


if __name__ == "__main__":
    typer.run(main)
