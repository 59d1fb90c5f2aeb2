"""The table of what was noticed when, between two marks in docs/operations.md."""

from collections.abc import Sequence

from scripts.monitor.thresholds import read_thresholds
from scripts.warehouse.workspace import ROOT
from tests.python.detection.bench import SECONDS_BETWEEN_LOOKS, Bench
from tests.python.detection.faults import Fault, Noticed

PAGE = ROOT / "docs" / "operations.md"
BEGIN, END = "<!-- detection: begin -->", "<!-- detection: end -->"


def as_table(
    results: Sequence[Noticed],
    days: int,
    bench: Bench,
    drawn_days: int,
    drawn_looks: int,
    alarms: int,
) -> str:
    """The table in Markdown, and a line about clean days."""
    lines = [
        f"With a look every {SECONDS_BETWEEN_LOOKS} s. Where a limit has to pass first, it was shortened for the measurement;"
        " a real one takes its default longer. *Over* is the time from the repair until the monitor said so.",
        "",
        "| fault | how it is caused | noticed by | limit: default (here) | noticed after s | over after s |",
        "|---|---|---|---|---:|---:|",
    ]
    for result in results:
        fault = result.fault
        cause = " ".join((fault.cause.__doc__ or "").split()).rstrip(".")
        seconds = [
            "not noticed" if value is None else f"{value:.1f}"
            for value in (result.noticed, result.over)
        ]
        check = f"[{fault.check}](runbooks/{fault.check}.md)"
        lines.append(
            f"| {fault.name} | {cause} | {check} | {_limit(fault, bench)} | {' | '.join(seconds)} |"
        )
    lines += [
        "",
        f"Clean days: {days} generated batches, each loaded as if on a day of its own ({bench.clean_looks} looks), and {drawn_days} days drawn"
        f" with natural variation ({drawn_looks:,} looks): {alarms} alarms.",
    ]
    return "\n".join(lines)


def _limit(fault: Fault, bench: Bench) -> str:
    if not fault.waits:
        return "none"
    section, _, name = fault.waits.partition(".")
    limits = fault.limits(bench) if callable(fault.limits) else fault.limits
    unit = " s" if name.endswith("seconds") else ""
    return (
        f"`{fault.waits}`: {read_thresholds()[section][name]}{unit} ({limits[section][name]}{unit})"
    )


def replace_table(table: str) -> None:
    """Put the table between its marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
