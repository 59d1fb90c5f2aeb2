"""The command line: `python -m brokerage_sources.generate --help`.

Exit codes: 0 the dataset is complete, 1 generation failed (nothing is left behind), 2 the arguments are wrong.
"""

import os
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from fractions import Fraction
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from brokerage_sources.generate.parameters import (
    FORMATS,
    MAX_BATCHES,
    HardCaseOptions,
    ParameterError,
    Parameters,
)
from brokerage_sources.generate.run import Dataset, expected_bytes, generate
from brokerage_sources.generate.writing import OutputError

_MIB = 1024 * 1024

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)

_HARD_CASES = "Hard cases (0 turns one off)"


@app.command()
def main(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Folder to create: Batch1, Batch2, ..., audit files, manifest.json.",
        ),
    ],
    scale_factor: Annotated[
        str,
        typer.Option(
            "--scale-factor",
            "-s",
            metavar="NUMBER",
            help="Size: 1 is about 90 MiB; fractions such as 0.01 or 1/8 are fine.",
        ),
    ] = "0.1",
    seed: Annotated[int, typer.Option(metavar="N", help="Same seed, same bytes.")] = 1,
    batches: Annotated[
        int,
        typer.Option(
            metavar="N",
            help=f"Incremental batches after the historical one, a day each (1 to {MAX_BATCHES}).",
        ),
    ] = 2,
    formats: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            help=f"Only the files of this format ({', '.join(FORMATS)}); may be repeated. "
            "All by default: the complete layout.",
            show_default=False,
        ),
    ] = list(FORMATS),  # noqa: B006
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Processes; all cores by default. Does not change the files."
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace the output if it is an earlier generated dataset."),
    ] = False,
    same_day_every: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="One CRM step in so many has two changes of one customer or account on one day.",
            rich_help_panel=_HARD_CASES,
        ),
    ] = HardCaseOptions.same_day_every,
    error_floor: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Least number of each kind of dirty value in the history.",
            rich_help_panel=_HARD_CASES,
        ),
    ] = HardCaseOptions.error_floor,
    incremental_errors: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Dirty customers and trades of each kind in batches 2 and 3.",
            rich_help_panel=_HARD_CASES,
        ),
    ] = HardCaseOptions.incremental_errors,
    same_batch_trade_percent: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Buys of a batch on accounts opened in that batch, in percent.",
            rich_help_panel=_HARD_CASES,
        ),
    ] = HardCaseOptions.same_batch_trade_percent,
    same_quarter_issue_percent: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="New securities of companies new in the same quarter, in percent.",
            rich_help_panel=_HARD_CASES,
        ),
    ] = HardCaseOptions.same_quarter_issue_percent,
    inactivated_owner_change: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="1: a batch also changes an account of a customer it inactivates.",
            rich_help_panel=_HARD_CASES,
        ),
    ] = HardCaseOptions.inactivated_owner_change,
    attrition_signal: Annotated[
        float,
        typer.Option(
            metavar="STRENGTH",
            help="How strongly it can be foreseen who leaves: 0 not at all, 1 well. No row count changes; "
            "`python -m brokerage_sources.truth` says what the best forecast reaches.",
            rich_help_panel="For machine learning",
        ),
    ] = 0.0,
    conversion_signal: Annotated[
        float,
        typer.Option(
            metavar="STRENGTH",
            help="How strongly it can be foreseen which prospects become customers: 0 none does, 1 well. No row count changes; "
            "`python -m brokerage_sources.truth --question conversion` says what the best forecast reaches.",
            rich_help_panel="For machine learning",
        ),
    ] = 0.0,
) -> None:
    """Generate the source files of a retail brokerage: history, daily batches, audit files and a manifest.

    The output appears when it is complete; a failed or interrupted run leaves nothing behind.

    Example: [bold]python -m brokerage_sources.generate --scale-factor 0.1 --output data/sources[/bold]
    """
    try:
        parameters = Parameters(
            scale_factor=_scale_factor(scale_factor),
            seed=seed,
            incremental_batches=batches,
            formats=frozenset(formats),
            hard_cases=HardCaseOptions(
                same_day_every=same_day_every,
                error_floor=error_floor,
                incremental_errors=incremental_errors,
                same_batch_trade_percent=same_batch_trade_percent,
                same_quarter_issue_percent=same_quarter_issue_percent,
                inactivated_owner_change=inactivated_owner_change,
            ),
            attrition_signal=attrition_signal,
            conversion_signal=conversion_signal,
        )
        started = time.perf_counter()
        dataset = _generate(parameters, output, _cores() if workers is None else workers, force)
    except (ParameterError, OutputError) as error:
        _stop(str(error), 2)
    except OSError as error:
        _stop(f"writing {error.filename or output} failed: {error.strerror or error}", 1)
    except BrokenProcessPool:
        _stop("a worker process was killed (out of memory?); nothing was left behind", 1)
    except KeyboardInterrupt:
        _stop("interrupted; nothing was left behind", 1)
    seconds = time.perf_counter() - started
    size = dataset.bytes / _MIB
    typer.echo(
        f"{dataset.output}: {parameters.batches} batches, {len(dataset.files)} files, {dataset.rows:,} rows, "
        f"{size:,.1f} MiB in {seconds:.1f} s ({size / seconds:,.0f} MiB/s)"
    )


def _cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _scale_factor(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ParameterError(
            f"the scale factor must be a number such as 3, 0.01 or 1/8, not {text!r}"
        ) from None


def _generate(parameters: Parameters, output: Path, workers: int, force: bool) -> Dataset:
    """Generate, with a progress bar on a terminal."""
    if not sys.stderr.isatty():
        return generate(parameters, output, workers=workers, force=force)
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("generating", total=expected_bytes(parameters))
        return generate(
            parameters,
            output,
            workers=workers,
            force=force,
            on_progress=lambda size: bar.update(task, completed=size),
        )


def _stop(message: str, code: int) -> NoReturn:
    print(f"generate: {message}", file=sys.stderr)
    raise typer.Exit(code)
