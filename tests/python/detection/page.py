"""The table of what was noticed when, between two marks in docs/operations.md."""

from collections.abc import Iterable

from scripts.monitor.thresholds import read_thresholds
from scripts.warehouse.workspace import ROOT
from tests.python.detection.bench import SECONDS_BETWEEN_LOOKS, Bench
from tests.python.detection.faults import FAULTS, Fault, Noticed

PAGE = ROOT / "docs" / "operations.md"
BEGIN, END = "<!-- detection: begin -->", "<!-- detection: end -->"


def as_table(rows: Iterable[str], clean_days: str) -> str:
    """The table in Markdown, and a line about clean days."""
    return "\n".join(
        (
            f"With a look every {SECONDS_BETWEEN_LOOKS} s. Where a limit has to pass first, it was shortened for the measurement; a real"
            " one takes its default longer. *Over* is the time from the end of the repair (often a load and a build) until the monitor said so;"
            " 0.0 means that a look had seen it before the load or build had ended.",
            "",
            "| fault | how it is caused | noticed by | limit: default (here) | noticed after s | over after s |",
            "|---|---|---|---|---:|---:|",
            *rows,
            "",
            clean_days,
        )
    )


def as_row(result: Noticed, bench: Bench) -> str:
    """The row of a fault."""
    fault = result.fault
    cause = " ".join((fault.cause.__doc__ or "").split()).rstrip(".")
    check = f"[{fault.check}](runbooks/{fault.check}.md)"
    seconds = [
        "not noticed" if value is None else f"{value:.1f}"
        for value in (result.noticed, result.over)
    ]
    return f"| {fault.name} | {cause} | {check} | {_limit(fault, bench)} | {' | '.join(seconds)} |"


def _limit(fault: Fault, bench: Bench) -> str:
    if not fault.waits:
        return "none"
    section, _, name = fault.waits.partition(".")
    limits = fault.limits(bench) if callable(fault.limits) else fault.limits
    unit = " s" if name.endswith("seconds") else ""
    return (
        f"`{fault.waits}`: {read_thresholds()[section][name]}{unit} ({limits[section][name]}{unit})"
    )


def write_table(rows: dict[str, str], clean_days: str) -> None:
    """Put the table between its marks. Faults that were not caused this time keep their rows.

    Args:
        rows: by the name of their fault.
        clean_days: the line below them.
    """
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    known, _, after = rest.partition(END)
    kept = {line.split(" | ")[0].removeprefix("| "): line for line in known.splitlines()}
    found = kept | rows
    ordered = [found[fault.name] for fault in FAULTS if fault.name in found]
    table = as_table(ordered, clean_days)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
