"""Check a folder of source files: audit values, row counts, properties, rates.

    python -m brokerage_sources.verify data/sources
    python -m brokerage_sources.verify data/sources --scale-factor 3 --json report.json
    python -m brokerage_sources.verify data/sources --dirty --failures-only

Exit code 0: every check holds. 1: at least one fails. 2: the folder cannot be checked (missing or
unreadable), an option is wrong, or the report cannot be written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from brokerage_sources.verify.reading import SourceFolderError
from brokerage_sources.verify.report import print_results, write_json
from brokerage_sources.verify.verification import verify

app = typer.Typer(add_completion=False)

CHECK_FAILED = 1
CANNOT_CHECK = 2


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="The folder that holds Batch1, Batch2, ...")],
    scale_factor: Annotated[
        float | None,
        typer.Option(help="Compare row counts with the formulas of this scale factor (3 or more)."),
    ] = None,
    rates: Annotated[
        bool | None,
        typer.Option(help="Check shares. Default: if there are enough customers (scale 1)."),
    ] = None,
    dirty: Annotated[
        bool, typer.Option(help="Require that injected errors and hard cases occur.")
    ] = False,
    failures_only: Annotated[bool, typer.Option(help="Show failed checks only.")] = False,
    json: Annotated[Path | None, typer.Option(help="Also write the results to this file.")] = None,
    memory: Annotated[str, typer.Option(help="Memory limit of the SQL engine.")] = "1GB",
    threads: Annotated[int, typer.Option(help="Worker threads of the SQL engine.", min=1)] = 2,
) -> None:
    """Check a folder of source files, from the files alone."""
    errors = Console(stderr=True)
    try:
        with errors.status("loading") as status:
            results = verify(
                folder,
                scale_factor=scale_factor,
                rates_checked=rates,
                hard_cases_expected=dirty,
                memory_limit=memory,
                threads=threads,
                on_progress=status.update,
            )
    except (SourceFolderError, ValueError) as error:
        errors.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(CANNOT_CHECK) from error
    print_results(Console(), results, failures_only)
    if json:
        try:
            write_json(json, folder, results)
        except OSError as error:
            errors.print(f"{json}: cannot be written: {error.strerror}", style="red", markup=False)
            raise typer.Exit(CANNOT_CHECK) from error
    if any(not result.ok for result in results):
        raise typer.Exit(CHECK_FAILED)


if __name__ == "__main__":
    app()
