"""The command line: `python -m bench --help`.

Exit codes: 0 everything was measured and the page is written, 1 a part failed (the others were measured, the page is
written), 2 wrong arguments.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.parts import ENGINE_PARTS, FILE_PARTS, ON_REQUEST, Options
from bench.results import read_results
from bench.session import Session, plan
from scripts.warehouse.engines import WAREHOUSES

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)
PARTS = (*FILE_PARTS, *ENGINE_PARTS)


def main(
    scales: Annotated[
        str, typer.Option(help="Scale factors of the generated datasets.")
    ] = "1,3,10",
    engines: Annotated[str, typer.Option(help="Engines to measure.")] = ",".join(WAREHOUSES),
    parts: Annotated[
        str, typer.Option(help=f"Parts to measure; there are {', '.join(PARTS)}.")
    ] = ",".join(part for part in PARTS if part not in ON_REQUEST),
    repeat: Annotated[int, typer.Option(min=1, help="Runs of each step.")] = 3,
    missing: Annotated[
        bool, typer.Option("--missing", help="Only parts that have no result or have failed.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Explain the slowest models, too.")
    ] = False,
    days: Annotated[int, typer.Option(min=2, help="Daily batches of the part days.")] = 365,
    memory_limit: Annotated[
        str, typer.Option(help="DuckDB's memory in the measurement with little memory.")
    ] = "1GB",
    slowest: Annotated[int, typer.Option(min=1, help="Models to list and to explain.")] = 5,
    results: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("data/bench"),
    page: Annotated[Path, typer.Option(help="The page to write.")] = Path("docs/benchmarks.md"),
) -> None:
    """Measure generator, loader and builds; keep each result, and write the page from all that are kept."""
    try:
        kept = read_results(results)
        wanted = _chosen("parts", parts, PARTS) + (["profile"] if profile else [])
        jobs = [
            job
            for job in plan(_scales(scales), _chosen("engines", engines, list(WAREHOUSES)), wanted)
            if not (missing and kept.find(job.scale, job.engine, job.part))
        ]
    except ValueError as error:
        errors.print(f"bench: {error}", style="red", markup=False)
        raise typer.Exit(2) from error
    if not jobs and not kept.all:
        errors.print("bench: none of these parts is measured on these engines", style="red")
        raise typer.Exit(2)
    options = Options(repeat, days, memory_limit, slowest, results / "profiles")
    failures = Session(jobs, options, results).run()
    # Imported late: a process inherits the memory of the one that starts it.
    from bench.page import write_page

    write_page(page, read_results(results), slowest)
    console.print(f"{page} is written")
    for failure in failures:
        errors.print(f"bench: {failure}", style="red", markup=False)
    raise typer.Exit(1 if failures else 0)


def _scales(text: str) -> list[float]:
    try:
        return sorted({float(word) for word in text.split(",")})
    except ValueError:
        raise ValueError(f"--scales: numbers such as 1,3,10 are expected, not {text!r}") from None


def _chosen(option: str, text: str, known: Iterable[str]) -> list[str]:
    words = text.split(",")
    for word in words:
        if word not in known:
            raise ValueError(f"--{option}: {word!r} is none of {', '.join(known)}")
    return words


if __name__ == "__main__":
    typer.run(main)
