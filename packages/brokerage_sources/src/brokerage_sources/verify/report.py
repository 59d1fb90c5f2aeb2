"""Show results to a person or to a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from brokerage_sources.verify.check import Result


def print_results(console: Console, results: Sequence[Result], failures_only: bool) -> None:
    """Print one line per check (unless only failures are wanted), then what each failure is about."""
    failures = [result for result in results if not result.ok]
    if not failures_only:
        console.print(_table(results))
    if failures:
        console.print(_differences(failures))
    console.print(f"{len(results) - len(failures)} checks OK, {len(failures)} failed")


def write_json(file: Path, folder: Path, results: Sequence[Result]) -> None:
    """Write `{"folder", "ok", "checks": [...]}`, each check with all fields of `Result`."""
    document = {
        "folder": str(folder),
        "ok": all(result.ok for result in results),
        "checks": [asdict(result) for result in results],
    }
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _table(results: Sequence[Result]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    table.add_column("check", no_wrap=True)
    table.add_column("found", overflow="fold")
    table.add_column("expected", overflow="fold")
    table.add_column("note", overflow="fold", style="dim")
    for result in results:
        mark = Text("OK", style="green") if result.ok else Text("FAIL", style="bold red")
        note = "" if not result.ok else result.note
        table.add_row(
            mark, Text(result.name), Text(result.found), Text(result.expected), Text(note)
        )
    return table


def _differences(failures: Sequence[Result]) -> Table:
    """What was claimed, and where it does not hold."""
    table = Table(title="Failures", title_justify="left", box=None, header_style="bold")
    table.add_column("check", no_wrap=True)
    for column in ("claim or definition", "expected", "found", "where"):
        table.add_column(column, overflow="fold")
    for result in failures:
        table.add_row(
            *(
                Text(cell)
                for cell in (
                    result.name,
                    result.claim,
                    result.expected,
                    result.found,
                    result.note,
                )
            )
        )
    return table
