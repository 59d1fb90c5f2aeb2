"""The page of figures, written from the results.

Usage:
    write_page(Path("docs/benchmarks.md"), read_results(Path("data/bench")))
"""

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.parts import ENGINE_PARTS, FILE_PARTS, NOTHING_NEW, PLAIN_COPY
from bench.plots import plot_days, plot_scales, seconds_by_batch, seconds_by_day
from bench.results import FILES, Result, Results, median_of

_MIB = 2**20
_UNKNOWN = "-"
_WEEK = 7
# What each step of an engine is called on the page: part, step, words.
STEPS = (
    ("load", "load", "load"),
    ("start", "first start", "dbt start, first"),
    ("start", "start", "dbt start"),
    ("build", "build", "build with all tests"),
    ("models", "models", "models only"),
    ("models", "data tests", "data tests only"),
    ("models", "unit tests", "unit tests only"),
)

INTRODUCTION = """\
# Benchmarks

Written by `python -m bench`; nothing here is typed by hand. Derived from TPC-DI; results are not comparable to
published TPC-DI results. Every figure is the median of its runs, each in a fresh process on a generated dataset of three
batches. A ratio compares figures of the same machine and day, so it says more about the project than seconds do.
"""

MEANING = """\
## What the words mean

- **copy floor**: DuckDB reads every source file and writes it once as Parquet, with the same types, without checks. Nothing that keeps
  the data can be faster than about this.
- **load**: source files to what dbt reads: the Parquet lake; on Postgres the lake and then the tables of its raw schema.
- **build with all tests**: `dbt build` of all batches into an empty warehouse: seeds, models, unit tests and data tests; dbt's start
  included, the project parsed before.
- **batch 2 / batch 1**: seconds that dbt reports for all models, when the batches come one by one and so do the models. It shows how much of
  the cost of a day is the day and how much is the number of models: an empty model still costs dbt and the engine their statements.
- **whole command**: `make batches` for one batch that has just been delivered: load, build and validate of what has moved, and the start of Python and dbt.
- **history, day**: the first batch, and the median of the others: load, build and validate, without the start.
- **nothing new**: the same command when no file has changed.
- **batch 1, 2, 3** of Postgres / DuckDB: dbt's run of all models after the load of that batch; 1 is the historical one.
- **CPU s, peak MiB**: of the process that loads or runs dbt, with its children. On DuckDB that is the engine too; the server of
  Postgres is not counted.
- **exponent**: the slope of seconds over scale, both as logarithms: 1 grows as the data does; below 1, fixed costs still weigh.
"""


def write_page(path: Path, results: Results, slowest: int) -> None:
    """Write the page, and its plots into the folder of the same name.

    Args:
        path: the page, a Markdown file.
        results: what was measured; a part that is missing leaves out its table.
        slowest: how many models to list.
    """
    plots = path.with_suffix("")
    plots.mkdir(parents=True, exist_ok=True)
    sections = [
        INTRODUCTION,
        _conditions(results),
        _section("Ratios", _ratios(results)),
        _section("Postgres / DuckDB", _engines_compared(results)),
        MEANING,
        _section("Steps", _steps(results), plot_scales(results, plots)),
        _section("Growth with scale", _exponents(results)),
        _section("Batch by batch", _batches(results)),
        _section("What a day costs", _day_ratios(results)),
        _section("Load, build, validate", _daily(results)),
        _section("Model seconds by layer", _layers(results)),
        _section("Slowest models", _slowest_models(results, slowest)),
        _section("Many days", _days(results), plot_days(results, plots)),
        _section("Sharing", _shares(results)),
        _section("Little memory", _limited(results)),
        _section("Rows and disk", _sizes(results)),
        _section("Loader by format", _formats(results)),
        _section("Generator", _generator(results)),
        _section("API", _api(results)),
        _section("API: everything at once", _downloads(results)),
        _section("Dashboards", _dashboards(results)),
        _section("Models", _models_in_production(results)),
        _section("Failed", _failures(results)),
    ]
    path.write_text("\n".join(section for section in sections if section), encoding="utf-8")


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of a line through points (scale, seconds), both as logarithms."""
    return statistics.linear_regression(
        [math.log(scale) for scale, _ in points], [math.log(seconds) for _, seconds in points]
    ).slope


def _section(title: str, table: str, picture: Path | None = None) -> str:
    image = f"\n![{title}]({picture.parent.name}/{picture.name})\n" if picture else ""
    return f"## {title}\n\n{table}{image}" if table else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A Markdown table; empty without rows. The first columns hold words, the others figures."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    rule = ["---"] * words + ["---:"] * (len(heads) - words)
    return "\n".join([f"| {' | '.join(heads)} |", f"| {' | '.join(rule)} |", *lines]) + "\n"


def _conditions(results: Results) -> str:
    """The commands that measure the same, and what it was measured on."""
    days = sorted(result.measured_at[:10] for result in results.all)
    facts = {
        "measured": " to ".join(dict.fromkeys((days[0], days[-1]))),
        "version": ", ".join(sorted({result.version for result in results.all})),
    }
    for topic in results.all[0].machine:
        facts[topic] = "; ".join(sorted({result.machine[topic] for result in results.all}))
    table = _table(("", ""), facts.items(), words=2)
    commands = "\n".join(_command(results, scale) for scale in results.scales)
    return f"```bash\n{commands}\n```\n\n{table}"


def _command(results: Results, scale: float) -> str:
    """The command that measures what was measured at a scale."""
    of_scale = [result for result in results.all if result.scale == scale]
    engines = sorted({result.engine for result in of_scale} - {FILES})
    parts = [
        part
        for part in (*FILE_PARTS, *ENGINE_PARTS)
        if part in {result.part for result in of_scale}
    ]
    repeat = max((len(runs) for result in of_scale for runs in result.steps.values()), default=1)
    chosen = f" --engines {','.join(engines)}" if engines else ""
    days = [
        len(result.figures["load"]) - 1 for result in results.of("days") if result.scale == scale
    ]
    longest = f" --days {max(days)}" if days else ""
    return f"python -m bench --scales {scale:g}{chosen} --parts {','.join(parts)} --repeat {repeat}{longest}"


def _ratios(results: Results) -> str:
    over_floor = ("load", "build with all tests", "both", "models only")
    others = ("batch 2 / batch 1", "batch 3 / batch 1", "warehouse / lake")
    heads = ("engine, scale", *(f"{name} / floor" for name in over_floor), *others)
    return _table(heads, _ratio_rows(results))


def _ratio_rows(results: Results) -> Iterator[Sequence[str]]:
    for engine, scale in _engines_and_scales(results):
        floor = _seconds(results, scale, FILES, "floor", "copy floor")
        load = _seconds(results, scale, engine, "load", "load")
        build = _seconds(results, scale, engine, "build", "build")
        models = _seconds(results, scale, engine, "models", "models")
        both = load + build if load and build else None
        batches = _model_seconds(results, scale, engine)
        later = [_ratio(seconds, batches[0], 2) for seconds in batches[1:3]] or [_UNKNOWN, _UNKNOWN]
        warehouse = _figure(results, scale, engine, "build", "bytes")
        lake = _figure(results, scale, engine, "load", "lake_bytes")
        ratios = (
            *(_ratio(seconds, floor, 1) for seconds in (load, build, both, models)),
            *later,
            _ratio(warehouse, lake, 1),
        )
        if set(ratios) != {_UNKNOWN}:
            yield f"{engine}, {scale:g}", *ratios


def _engines_compared(results: Results) -> str:
    heads = ("scale", "load", "build with all tests", "batch 1", "batch 2", "batch 3")
    return _table(heads, _compared_rows(results))


def _compared_rows(results: Results) -> Iterator[Sequence[str]]:
    for scale in results.scales:
        duckdb, postgres = (_compared(results, scale, name) for name in ("duckdb", "postgres"))
        ratios = [_ratio(*seconds, 1) for seconds in zip(postgres, duckdb, strict=True)]
        if any(ratio != _UNKNOWN for ratio in ratios):
            yield f"{scale:g}", *ratios


def _compared(results: Results, scale: float, engine: str) -> Sequence[float | None]:
    """Seconds of load, complete build, and dbt's run of each of three batches."""
    batches = _figure(results, scale, engine, "replay", "build") or (None, None, None)
    return (
        _seconds(results, scale, engine, "load", "load"),
        _seconds(results, scale, engine, "build", "build"),
        *batches[:3],
    )


def _steps(results: Results) -> str:
    heads = ("engine, scale", "step", "runs", "seconds", "CPU s", "peak MiB", "/ floor")
    return _table(heads, _step_rows(results), words=2)


def _step_rows(results: Results) -> Iterator[Sequence[str]]:
    for result in results.of("floor"):
        yield from _step_row(results, result.scale, FILES, "floor", "copy floor", "copy floor")
    for engine, scale in _engines_and_scales(results):
        for part, step, words in STEPS:
            yield from _step_row(results, scale, engine, part, step, words)


def _step_row(
    results: Results, scale: float, engine: str, part: str, step: str, words: str
) -> Iterator[Sequence[str]]:
    result = results.find(scale, engine, part)
    if result is None:
        return
    run = median_of(result.steps[step])
    yield (
        f"{engine}, {scale:g}",
        words,
        str(len(result.steps[step])),
        _number(run.seconds),
        _number(run.cpu_seconds),
        f"{run.peak_mib:,.0f}",
        _ratio(run.seconds, _seconds(results, scale, FILES, "floor", "copy floor"), 1),
    )


def _exponents(results: Results) -> str:
    return _table(("engine", "step", "scales", "exponent"), _exponent_rows(results), words=2)


def _exponent_rows(results: Results) -> Iterator[Sequence[str]]:
    for engine, words, seconds in _growing(results):
        points = [(scale, value) for scale, value in seconds.items() if value]
        if len(points) > 1:
            yield engine, words, f"{points[0][0]:g} to {points[-1][0]:g}", f"{exponent(points):.2f}"


def _growing(results: Results) -> Iterator[tuple[str, str, dict[float, float | None]]]:
    """Engine, words, and seconds by scale: of each step, and of all models in each batch of the replay."""

    def by_scale(engine: str, part: str, step: str) -> dict[float, float | None]:
        return {scale: _seconds(results, scale, engine, part, step) for scale in results.scales}

    yield FILES, "copy floor", by_scale(FILES, "floor", "copy floor")
    for engine in results.engines:
        for part, step, words in STEPS:
            if part != "start":
                yield engine, words, by_scale(engine, part, step)
        replays = {scale: _model_seconds(results, scale, engine) for scale in results.scales}
        for number in range(max(map(len, replays.values()))):
            seconds: dict[float, float | None] = {
                scale: batches[number] for scale, batches in replays.items() if batches
            }
            yield engine, f"models of batch {number + 1}", seconds


def _batches(results: Results) -> str:
    figures = ("load s", "model s", "load and run s", "models / batch 1")
    return _table(("engine, scale", "runs", "batch", *figures), _batch_rows(results))


def _batch_rows(results: Results) -> Iterator[Sequence[str]]:
    for result in results.of("replay"):
        models = _model_seconds(results, result.scale, result.engine)
        times = zip(result.figures["load"], result.figures["build"], models, strict=True)
        for number, (load, build, seconds) in enumerate(times, 1):
            yield (
                f"{result.engine}, {result.scale:g}",
                str(len(result.steps["replay"])),
                str(number),
                _number(load),
                _number(seconds),
                _number(load + build),
                _ratio(seconds, models[0], 2),
            )


def _day_ratios(results: Results) -> str:
    """What the goals are about: whether a day costs what the day brings, at every scale."""
    heads = ("day / history", "validate / build", "day / day of scale before", "nothing new s")
    return _table(("engine, scale", *heads), _day_ratio_rows(results))


def _day_ratio_rows(results: Results) -> Iterator[Sequence[str]]:
    earlier: dict[str, float] = {}
    for result in results.of("daily"):
        history, *days = seconds_by_batch(result)
        day = statistics.median(days)
        validate, build = (
            statistics.median(result.figures[step][1:]) for step in ("validate", "build")
        )
        yield (
            f"{result.engine}, {result.scale:g}",
            _ratio(day, history, 2),
            _ratio(validate, build, 2),
            _ratio(day, earlier.get(result.engine), 2),
            _number(median_of(result.steps[NOTHING_NEW]).seconds),
        )
        earlier[result.engine] = day


def _daily(results: Results) -> str:
    """Batch by batch, each in a process of its own, with everything that belongs to it."""
    figures = ("load s", "build s", "validate s", "whole command s", "CPU s", "peak MiB")
    return _table(("engine, scale", "runs", "batch", *figures), _daily_rows(results))


def _daily_rows(results: Results) -> Iterator[Sequence[str]]:
    for result in results.of("daily"):
        for number, (step, runs) in enumerate(result.steps.items()):
            whole = median_of(runs)
            parts = (
                [_UNKNOWN] * 3
                if step == NOTHING_NEW
                else [
                    _number(result.figures[name][number]) for name in ("load", "build", "validate")
                ]
            )
            yield (
                f"{result.engine}, {result.scale:g}",
                str(len(runs)),
                step.removeprefix("batch "),
                *parts,
                _number(whole.seconds),
                _number(whole.cpu_seconds),
                f"{whole.peak_mib:,.0f}",
            )


def _shares(results: Results) -> str:
    """All trades by a policy, each step in a process of its own, against DuckDB alone."""
    heads = ("engine, scale", "step", "runs", "rows", "seconds", "CPU s", "peak MiB")
    return _table((*heads, f"CPU of {PLAIN_COPY} / CPU"), _share_rows(results), words=2)


def _share_rows(results: Results) -> Iterator[Sequence[str]]:
    for result in results.of("share"):
        plain = median_of(result.steps[PLAIN_COPY]).cpu_seconds
        for step, runs in result.steps.items():
            whole = median_of(runs)
            yield (
                f"{result.engine}, {result.scale:g}",
                step,
                str(len(runs)),
                f"{result.figures['rows']:,}",
                _number(whole.seconds),
                _number(whole.cpu_seconds),
                f"{whole.peak_mib:,.0f}",
                _ratio(plain, whole.cpu_seconds, 2),
            )


def _layers(results: Results) -> str:
    """The largest scale of each engine only: smaller ones are mostly fixed costs."""
    heads = (
        "engine, scale",
        "layer",
        "models",
        "batch 1",
        "batch 2",
        "batch 3",
        "share of batch 1",
    )
    rows = (row for result in _largest(results, "replay") for row in _layer_rows(result))
    return _table(heads, rows, words=2)


def _layer_rows(result: Result) -> Iterator[Sequence[str]]:
    models = result.figures["models"]
    total = sum(seconds[0] for seconds in models.values())
    for layer in dict.fromkeys(model.partition(".")[0] for model in models):
        members = [times for model, times in models.items() if model.startswith(f"{layer}.")]
        sums = [sum(batch) for batch in zip(*members, strict=True)]
        yield (
            f"{result.engine}, {result.scale:g}",
            layer,
            str(len(members)),
            *map(_number, sums),
            f"{sums[0] / total:.0%}",
        )


def _slowest_models(results: Results, count: int) -> str:
    heads = ("engine, scale", "model", "rows", "batch 1 s", "batch 2 s", "rows a second")
    rows = (row for result in _largest(results, "replay") for row in _model_rows(result, count))
    return _table(heads, rows, words=2)


def _model_rows(result: Result, count: int) -> Iterator[Sequence[str]]:
    models = sorted(result.figures["models"].items(), key=lambda item: item[1][0], reverse=True)
    for model, (first, second, *_) in models[:count]:
        rows = result.figures["tables"].get(model)
        yield (
            f"{result.engine}, {result.scale:g}",
            model,
            f"{rows:,}" if rows else "a view",
            _number(first),
            _number(second),
            f"{rows / first:,.0f}" if rows else _UNKNOWN,
        )


def _days(results: Results) -> str:
    heads = (
        "engine, scale",
        "runs",
        "days",
        "first week, s a day",
        "last week",
        "last / first",
        "load of nothing new s",
        "nothing new s",
    )
    return _table(heads, map(_days_row, results.of("days")))


def _days_row(result: Result) -> Sequence[str]:
    days = seconds_by_day(result)
    first, last = statistics.median(days[:_WEEK]), statistics.median(days[-_WEEK:])
    nothing = (median_of(result.steps[step]).seconds for step in ("load, nothing new", NOTHING_NEW))
    return (
        f"{result.engine}, {result.scale:g}",
        str(len(result.steps["days"])),
        str(len(days)),
        _number(first),
        _number(last),
        _ratio(last, first, 2),
        *map(_number, nothing),
    )


def _limited(results: Results) -> str:
    figures = ("seconds", "peak MiB", "without limit", "peak MiB")
    heads = ("engine, scale", "runs", "memory limit", *figures)
    return _table(heads, (_limited_row(results, result) for result in results.of("limited")))


def _limited_row(results: Results, result: Result) -> Sequence[str]:
    limited = median_of(result.steps["build"])
    free = results.median(result.scale, result.engine, "build", "build")
    return (
        f"{result.engine}, {result.scale:g}",
        str(len(result.steps["build"])),
        result.figures["limit"],
        _number(limited.seconds),
        f"{limited.peak_mib:,.0f}",
        _number(free.seconds) if free else _UNKNOWN,
        f"{free.peak_mib:,.0f}" if free else _UNKNOWN,
    )


def _sizes(results: Results) -> str:
    heads = (
        "engine, scale",
        "source MiB",
        "source rows",
        "lake MiB",
        "warehouse MiB",
        "rows built",
    )
    return _table(heads, (_size_row(results, result) for result in results.of("build")))


def _size_row(results: Results, result: Result) -> Sequence[str]:
    source = results.find(result.scale, FILES, "generate")
    load = results.find(result.scale, result.engine, "load")
    return (
        f"{result.engine}, {result.scale:g}",
        _mib(source.figures["bytes"]) if source else _UNKNOWN,
        f"{source.figures['rows']:,}" if source else _UNKNOWN,
        _mib(load.figures["lake_bytes"]) if load else _UNKNOWN,
        _mib(result.figures["bytes"]),
        f"{sum(result.figures['tables'].values()):,}",
    )


def _formats(results: Results) -> str:
    heads = ("format, scale", "MiB", "rows", "seconds", "MiB a second", "rows a second")
    rows = (
        (
            f"{name.replace('_', ' ')}, {result.scale:g}",
            _mib(result.figures[name]["bytes"]),
            f"{result.figures[name]['rows']:,}",
            _number(seconds),
            f"{result.figures[name]['bytes'] / _MIB / seconds:,.0f}",
            f"{result.figures[name]['rows'] / seconds:,.0f}",
        )
        for result in results.of("formats")
        for name, seconds in (
            (name, median_of(runs).seconds) for name, runs in result.steps.items()
        )
    )
    return _table(heads, rows)


def _generator(results: Results) -> str:
    heads = ("module, scale", "MiB", "seconds", "CPU s", "MiB a second", "MiB a CPU second")
    return _table(heads, _generator_rows(results))


def _generator_rows(results: Results) -> Iterator[Sequence[str]]:
    for result in results.of("generate"):
        run, size = median_of(result.steps["generate"]), result.figures["bytes"]
        yield (
            f"all, {result.scale:g}",
            _mib(size),
            _number(run.seconds),
            _number(run.cpu_seconds),
            f"{size / _MIB / run.seconds:,.0f}",
            f"{size / _MIB / run.cpu_seconds:,.0f}",
        )
    for result in _largest(results, "generate"):
        for module, figures in result.figures["modules"].items():
            mib, seconds = figures["bytes"] / _MIB, figures["cpu_seconds"]
            speed = f"{mib / seconds:,.0f}" if mib else _UNKNOWN
            yield f"{module}, {result.scale:g}", f"{mib:,.1f}", "", _number(seconds), "", speed


def _api(results: Results) -> str:
    rows = [
        (
            f"{result.engine}, {result.scale:g}",
            question,
            server,
            clients,
            f"{figures['per_second']:,.0f}",
            *(f"{figures[f'p{part}_ms']:,.1f}" for part in (50, 95, 99)),
        )
        for result in results.of("api")
        for question, servers in result.figures["answers"].items()
        for server, by_clients in servers.items()
        for clients, figures in by_clients.items()
    ]
    heads = ("engine, scale", "question", "asked of", "clients", "per second", "p50 ms", "p95 ms", "p99 ms")  # fmt: skip
    return _table(heads, rows, words=3)


def _downloads(results: Results) -> str:
    rows = [
        (
            f"{result.engine}, {result.scale:g}",
            f"{figures['rows']:,}",
            f"{figures['bytes'] / _MIB:,.0f}",
            _number(figures["seconds"]),
            f"{figures['peak_mib_before']:,.0f}",
            f"{figures['peak_mib']:,.0f}",
        )
        for result in results.of("api")
        for figures in [result.figures["download"]]
    ]
    heads = ("engine, scale", "rows", "CSV MiB", "seconds", "peak MiB before", "peak MiB")
    return _table(heads, rows)


def _dashboards(results: Results) -> str:
    rows = [
        (
            result.engine,
            f"{result.scale:g}",
            page,
            *(f"{seconds:.2f}" for seconds in visit.values()),
        )
        for result in results.of("dashboard")
        for page, visit in result.figures["pages"].items()
    ]
    heads = ("engine", "SF", "page", "first paint s", "complete s", "filter s")
    return _table(heads, rows, words=3)


def _models_in_production(results: Results) -> str:
    rows = [
        (
            f"{result.engine}, {result.scale:g}",
            *(_number(median_of(result.steps[layer]).seconds) for layer in ("features", "marts")),
            f"{figures['examples']:,}",
            _number(figures["train_seconds"]),
            f"{figures['scored_a_second']:,.0f}",
            *(f"{figures['online'][f'p{part}_ms']:,.1f}" for part in (50, 99)),
        )
        for result in results.of("learn")
        for figures in [result.figures]
    ]
    heads = ("engine, scale", "features s", "marts s", "learned from", "training s", "scored per second", "online p50 ms", "p99 ms")  # fmt: skip
    return _table(heads, rows)


def _failures(results: Results) -> str:
    failed = (result for result in results.all if result.failure is not None)
    rows = (
        (f"{result.engine}, {result.scale:g}", result.part, _in_a_cell(result.failure or ""))
        for result in failed
    )
    return _table(("engine, scale", "part", "what went wrong"), rows, words=3)


def _in_a_cell(text: str) -> str:
    """Text of several lines as one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _engines_and_scales(results: Results) -> list[tuple[str, float]]:
    return [(engine, scale) for engine in results.engines for scale in results.scales]


def _largest(results: Results, part: str) -> list[Result]:
    """The result of the part at the largest scale, for each engine."""
    return list({result.engine: result for result in results.of(part)}.values())


def _seconds(results: Results, scale: float, engine: str, part: str, step: str) -> float | None:
    run = results.median(scale, engine, part, step)
    return run.seconds if run else None


def _figure(results: Results, scale: float, engine: str, part: str, name: str) -> Any:
    result = results.find(scale, engine, part)
    return result.figures[name] if result else None


def _model_seconds(results: Results, scale: float, engine: str) -> list[float]:
    """Seconds of all models together, by batch."""
    models = _figure(results, scale, engine, "replay", "models")
    return [sum(batch) for batch in zip(*models.values(), strict=True)] if models else []


def _ratio(value: float | None, base: float | None, digits: int) -> str:
    return f"{value / base:,.{digits}f}" if value and base else _UNKNOWN


def _number(seconds: float) -> str:
    return f"{seconds:,.1f}" if seconds >= 10 else f"{seconds:.2f}"


def _mib(size: float) -> str:
    return f"{size / _MIB:,.0f}"
