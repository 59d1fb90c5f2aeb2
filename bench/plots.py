"""The plots of the page, as SVG that is readable on light and dark backgrounds.

Usage:
    plot_scales(results, Path("docs/benchmarks"))
"""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.results import FILES, Result, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GREY = "#808080"
_COLORS = ("#d9822b", "#3b82c4", "#4c9f70", "#b4548a")
_STYLES = {"duckdb": "-", "postgres": "--"}


def plot_scales(results: Results, folder: Path) -> Path | None:
    """Seconds of the main steps over scale, both axes logarithmic; nothing is drawn for fewer than two scales.

    Args:
        results: what was measured.
        folder: where the picture goes.

    Returns:
        The picture, or None if there is none.
    """
    lines = {}
    for engine, part, step in _LINES:
        for name in results.engines if engine is None else [engine]:
            medians = {scale: results.median(scale, name, part, step) for scale in results.scales}
            lines[name, step] = {scale: run.seconds for scale, run in medians.items() if run}
    lines = {key: line for key, line in lines.items() if len(line) > 1}
    if not lines:
        return None
    figure, axes = _new_plot("scale factor", "seconds")
    steps = list(dict.fromkeys(step for _, step in lines))
    for (engine, step), line in lines.items():
        axes.loglog(
            list(line),
            list(line.values()),
            color=_COLORS[steps.index(step)],
            linestyle=_STYLES.get(engine, "-"),
            marker="o",
            markersize=4,
            label=step if engine == FILES else f"{step}, {engine}",
        )
    scales = sorted({scale for line in lines.values() for scale in line})
    axes.set_xticks(scales, [f"{scale:g}" for scale in scales])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    return _save(figure, axes, folder / "scales.svg")


def plot_days(results: Results, folder: Path) -> Path | None:
    """Seconds of each daily batch of the replays of many; the historical batch is left out."""
    replays = results.of("days")
    if not replays:
        return None
    figure, axes = _new_plot("day", "seconds")
    for color, result in zip(_COLORS, replays, strict=False):
        days = seconds_by_day(result)
        label = f"{result.engine}, scale {result.scale:g}"
        axes.plot(range(1, len(days) + 1), days, color=color, marker="o", markersize=3, label=label)
    axes.set_ylim(bottom=0)
    return _save(figure, axes, folder / "days.svg")


def seconds_by_day(result: Result) -> list[float]:
    """Seconds of each daily batch of a replay: load, build and validate."""
    return seconds_by_batch(result)[1:]


def seconds_by_batch(result: Result) -> list[float]:
    """Seconds of each batch of a replay, the historical one first: load, build and validate."""
    steps = (result.figures[step] for step in ("load", "build", "validate"))
    return [sum(seconds) for seconds in zip(*steps, strict=True)]


# Engine (None: each), part, step.
_LINES = ((FILES, "floor", "copy floor"), (None, "load", "load"), (None, "build", "build"))


def _new_plot(x_label: str, y_label: str) -> "tuple[Figure, Axes]":
    """An empty plot; matplotlib is imported here, because only the page needs it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Text stays text, and equal figures give equal files.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "text.color": _GREY})
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x_label, color=_GREY)
    axes.set_ylabel(y_label, color=_GREY)
    axes.tick_params(colors=_GREY, which="both")
    axes.grid(color=_GREY, alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_GREY)
    return figure, axes


def _save(figure: "Figure", axes: "Axes", path: Path) -> Path:
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(path, transparent=True, metadata={"Date": None})
    return path
