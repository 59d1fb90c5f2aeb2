"""Models in production: train, judge, promote, score, watch (docs/learning.md).

Usage:
    python -m scripts.learn train                  learn from what is published; a new version is the challenger
    python -m scripts.learn train --contact 20 --saved 500
    python -m scripts.learn evaluate --alias challenger --truth truth.csv
    python -m scripts.learn promote                the challenger becomes the champion, if it is better
    python -m scripts.learn promote --force "why"  although it is not
    python -m scripts.learn promote --rollback-because "why"
                                                   the champion before this one is the champion again
    python -m scripts.learn retrain                watch; train again if there is a reason; promote what is better; score
    python -m scripts.learn retrain --because "why"
    python -m scripts.learn score                  scores of all customers, as files that land with the next load
    python -m scripts.learn monitor                compares today's customers with those that the champion was judged by
    python -m scripts.learn dataset my_set --until 2016-12-31 --sample 0.5 --apart 0.3
    python -m scripts.learn show                   versions, aliases, and the log of promotions

Everything is read from the published version. Models are kept in the folder MODELS, scores in SCORES.

Exit codes: 0 done; 1 `promote`: it is not better; `monitor`: something has drifted; 2 it cannot be done.
"""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from scripts.history.recording import recorded_run
from scripts.history.records import RecordError
from scripts.learn.dataset import Request, write_dataset
from scripts.learn.drift import ACT
from scripts.learn.evaluation import area_under_curve
from scripts.learn.examples import Examples, fresh_dates, read_examples, read_today
from scripts.learn.promotion import judged
from scripts.learn.question import NAMES, LearnError, Question, TooLittleError, question_of
from scripts.learn.registry import CHALLENGER, CHAMPION, Registry
from scripts.learn.retraining import retrain
from scripts.learn.scores import score as score_customers
from scripts.learn.training import Costs, Source, judge
from scripts.learn.training import train as train_model
from scripts.learn.watching import record_promotions, watch
from scripts.serve.api.audit import AuditError
from scripts.serve.published import open_published
from scripts.serve.sessions import Limits, ServeError, Session
from scripts.warehouse.engines import UNUSABLE
from scripts.warehouse.settings import Target, setting, use_setting
from scripts.warehouse.terminal import print_rows

app = typer.Typer(
    add_completion=False, help=__doc__, rich_markup_mode=None, pretty_exceptions_enable=False
)

ModelOption = Annotated[str, typer.Option("--model", help=f"One of: {', '.join(NAMES)}.")]
RoleOption = Annotated[str, typer.Option(help="Who reads what is published.")]
TargetOption = Annotated[
    Target, typer.Option(envvar="DBT_TARGET", help="Where dbt builds, as in profiles.yml.")
]
AliasOption = Annotated[str, typer.Option(help="champion or challenger.")]

# Features of all customers at all times take longer than a page of an API.
LIMITS = Limits(seconds=900, memory="2GB")


@app.command()
def train(
    model: ModelOption = NAMES[0],
    contact: Annotated[
        float, typer.Option(min=0, help="What contacting a customer costs.")
    ] = Costs.contact,
    saved: Annotated[
        float,
        typer.Option(min=0.01, help="What contacting one who would leave saves on average."),
    ] = Costs.saved,
    role: RoleOption = "analyst",
    target: TargetOption = Target.DUCKDB,
) -> None:
    """Learn from what is published; a new version is the challenger."""
    with _working("train", target) as run_id, _opened(model, role) as (session, question):
        examples = read_examples(session, question)
        manifest = session.manifest
        trained = train_model(question, examples, Source.of(manifest), Costs(contact, saved))
        registry = _registry()
        version, is_new = registry.add(trained)
        if version not in registry.aliases(model).values():
            registry.assign(model, CHALLENGER, version, f"trained on {manifest.version}")
        record_promotions(run_id, registry, model, Path(setting("RUNS")))
        figures = trained.description.figures["hold_out"]
        typer.echo(
            f"{model}, version {version}{'' if is_new else ' (the same training as before)'}: {trained.description.kind}, learned from"
            f" {trained.description.data['rows']:,} {question.entities} and dates, {trained.description.data['happened']:,} {question.happened}."
        )
        _print_figures(figures)
        typer.echo(f"Its card: {registry.place(model, version) / 'card.md'}")


@app.command()
def evaluate(
    model: ModelOption = NAMES[0],
    alias: AliasOption = CHAMPION,
    version: Annotated[int | None, typer.Option(min=1, help="Instead of an alias.")] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="What the best forecast says: the file of python -m brokerage_sources.truth --csv."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    role: RoleOption = "analyst",
    target: TargetOption = Target.DUCKDB,
) -> None:
    """Judge a version by all quarters after those that it has learned from."""
    with _working("evaluate", target), _opened(model, role) as (session, question):
        registry = _registry()
        number = version or _version_of(registry, model, alias)
        scorer = registry.model(model, number)
        examples = read_examples(session, question)
        fresh = examples.on(fresh_dates(examples, scorer.description.data["learned_from"]))
        if not len(fresh):
            raise LearnError(f"version {number} has learned from all quarters; wait for the next")
        figures = judge(scorer, fresh)
        if truth:
            figures["best_area"] = _best_area(truth, question, fresh)
            figures["share_of_best_lift"] = (figures["area"] - 0.5) / (figures["best_area"] - 0.5)
        if as_json:
            typer.echo(json.dumps({"model": model, "version": number, **figures}))
            return
        typer.echo(f"{model}, version {number}")
        _print_figures(figures)


@app.command()
def promote(
    model: ModelOption = NAMES[0],
    version: Annotated[int | None, typer.Option(min=1, help="By default, the challenger.")] = None,
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Although it is not better: why.")
    ] = None,
    rollback: Annotated[
        str | None,
        typer.Option(
            "--rollback-because", metavar="REASON", help="Back to the champion before: why."
        ),
    ] = None,
    role: RoleOption = "analyst",
    target: TargetOption = Target.DUCKDB,
) -> None:
    """Make a version the champion, if it is better on customers that neither has learned from."""
    with _working("promote", target) as run_id:
        registry, runs = _registry(), Path(setting("RUNS"))
        if rollback is not None:
            promotion = registry.roll_back(model, rollback)
            record_promotions(run_id, registry, model, runs)
            typer.echo(f"{model}: version {promotion.version} is the champion again.")
            return
        if not version and registry.aliases(model).keys() == {CHAMPION}:
            typer.echo(f"{model}: there is no challenger; the champion stays.")
            return
        number = version or _version_of(registry, model, CHALLENGER)
        if force is not None:
            promotion = registry.assign(model, CHAMPION, number, "forced", force)
            typer.echo(f"{model}: version {number} is the champion: {promotion.why}")
            record_promotions(run_id, registry, model, runs)
            return
        with _opened(model, role) as (session, question):
            verdict = judged(registry, question, read_examples(session, question), number)
        if verdict.is_better:
            registry.assign(model, CHAMPION, number, verdict.reason)
            record_promotions(run_id, registry, model, runs)
            typer.echo(f"{model}: version {number} is the champion: {verdict.reason}")
    # The run itself has not failed.
    if not verdict.is_better:
        typer.secho(f"{model}: version {number} is not promoted: {verdict.reason}", fg="yellow")
        raise typer.Exit(1)


@app.command()
def score(
    model: ModelOption = NAMES[0],
    role: RoleOption = "analyst",
    target: TargetOption = Target.DUCKDB,
) -> None:
    """Score all customers by champion and challenger; the files land with the next load."""
    with _working("score", target), _opened(model, role) as (session, question):
        _score(session, question, _registry())


@app.command("retrain")
def train_again(
    model: Annotated[
        str | None, typer.Option(help=f"One of: {', '.join(NAMES)}; by default, each of them.")
    ] = None,
    because: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Train although there is no other reason: why."),
    ] = None,
    role: RoleOption = "analyst",
    target: TargetOption = Target.DUCKDB,
) -> None:
    """Watch; train again if there is a reason; promote what is better; score."""
    problems = 0
    for name in [model] if model else NAMES:
        try:
            _retrain(name, because, role, target)
        except typer.Exit:
            # The others do not depend on it.
            problems += 1
    if problems:
        raise typer.Exit(2)


@app.command()
def monitor(
    model: ModelOption = NAMES[0],
    role: RoleOption = "analyst",
    target: TargetOption = Target.DUCKDB,
) -> None:
    """Compare today's customers with those that the champion was judged by, and record it."""
    with _working("monitor", target) as run_id, _opened(model, role) as (session, question):
        registry = _registry()
        _version_of(registry, model, CHAMPION)
        today, examples = read_today(session, question), read_examples(session, question)
        checks = watch(run_id, session, question, registry, Path(setting("RUNS")), today, examples)
        print_rows(
            ["check", "of", "value", "watch", "act", "state"],
            [
                (
                    each.name,
                    each.subject,
                    f"{each.value:.4f}",
                    each.watch_from,
                    each.act_from,
                    each.state,
                )
                for each in checks
            ],
            is_csv=False,
        )
    # The run itself has not failed.
    if any(each.state == ACT for each in checks):
        raise typer.Exit(1)


@app.command()
def dataset(
    folder: Annotated[Path, typer.Argument(help="To make.")],
    until: Annotated[str, typer.Option(metavar="DATE", help="The last as-of date.")],
    since: Annotated[
        str, typer.Option(metavar="DATE", help="The first as-of date.")
    ] = "1900-01-01",
    validation_from: Annotated[str | None, typer.Option(metavar="DATE")] = None,
    test_from: Annotated[str | None, typer.Option(metavar="DATE")] = None,
    sample: Annotated[float, typer.Option(help="Share of the customers.")] = 1.0,
    apart: Annotated[
        float, typer.Option(help="Share of the customers that are not learned from.")
    ] = 0.0,
    model: ModelOption = NAMES[0],
    role: RoleOption = "analyst",
    target: TargetOption = Target.DUCKDB,
) -> None:
    """Write a set for data scientists: Parquet, a manifest and a data card."""
    with _working("dataset", target), _opened(model, role) as (session, question):
        request = Request(
            until=_date(until),
            since=_date(since),
            validation_from=_date(validation_from) if validation_from else None,
            test_from=_date(test_from) if test_from else None,
            sample=sample,
            apart=apart,
        )
        rows = write_dataset(session, question, request, folder)
        typer.echo(
            f"{folder}: {', '.join(f'{name} {count:,} rows' for name, count in rows.items())}"
        )


@app.command()
def show(model: ModelOption = NAMES[0]) -> None:
    """Versions of a model with their figures, and the log of promotions."""
    try:
        registry = _registry()
        roles = {version: alias for alias, version in registry.aliases(model).items()}
        rows = []
        for version in registry.versions(model):
            known = registry.description(model, version)
            figures = known.figures["hold_out"]
            rows.append(
                (
                    version,
                    roles.get(version),
                    known.kind,
                    f"{figures['area']:.4f}",
                    f"{figures['chance']:.3f}",
                    known.data["version"],
                )
            )
        print_rows(["version", "role", "kind", "AUC", "chance", "learned from"], rows, is_csv=False)
        for entry in registry.log(model):
            typer.echo(
                f"{entry.at:%Y-%m-%d %H:%M} {entry.alias}: version {entry.version} after {entry.previous}, by {entry.user_name}: {entry.why}"
            )
    except LearnError as error:
        raise _failed(error) from error


@contextmanager
def _working(kind: str, target: Target) -> Iterator[str]:
    """Record a run, and say in one line why it cannot be done."""
    use_setting("DBT_TARGET", target)
    with recorded_run(f"learn {kind}", target) as run:
        try:
            yield run.run_id
        except (LearnError, ServeError, RecordError, AuditError, ImportError, *UNUSABLE) as error:
            run.message = str(error)
            raise _failed(error) from error


@contextmanager
def _opened(model: str, role: str) -> Iterator[tuple[Session, Question]]:
    published = open_published(limits=LIMITS)
    try:
        question = question_of(model, published.declarations)
        with published.opened(role) as session:
            yield session, question
    finally:
        published.close()


def _retrain(name: str, because: str | None, role: str, target: Target) -> None:
    with _working("retrain", target) as run_id, _opened(name, role) as (session, question):
        registry = _registry()
        try:
            done = retrain(run_id, session, question, registry, Path(setting("RUNS")), because)
        except TooLittleError as error:
            typer.echo(f"{name}: too little to learn from yet: {error}")
            return
        typer.echo(f"{name}: {done.told}")
        if done.version is not None:
            _print_figures(registry.description(name, done.version).figures["hold_out"])
        _score(session, question, registry)


def _score(session: Session, question: Question, registry: Registry) -> None:
    for scored in score_customers(session, question, registry, Path(setting("SCORES"))):
        typer.echo(
            f"{scored.role}, version {scored.version}: {scored.rows:,} {question.entities}, {scored.chosen:,} worth a contact"
            f" ({scored.file}{'' if scored.is_new else ', unchanged'})"
        )


def _registry() -> Registry:
    return Registry(Path(setting("MODELS")))


def _version_of(registry: Registry, model: str, alias: str) -> int:
    aliases = registry.aliases(model)
    if alias not in aliases:
        raise LearnError(f"{model}: there is no {alias}; `python -m scripts.learn show` lists all")
    return aliases[alias]


def _best_area(file: Path, question: Question, examples: Examples) -> float:
    """The area that the truth of a generated dataset reaches for the same keys and dates."""
    try:
        with file.open(encoding="utf-8") as stream:
            known = {
                (row[question.key], row["as_of_date"]): float(row["probability"])
                for row in csv.DictReader(stream)
            }
        keys = map(str, examples.ids.tolist())
        pairs = zip(keys, examples.dates.astype(str).tolist(), strict=True)
        best = np.array([known.get(pair, np.nan) for pair in pairs])
    except (OSError, ValueError, KeyError) as error:
        raise LearnError(f"{file}: cannot be read: {error}") from error
    is_known = ~np.isnan(best)
    if not np.all(is_known):
        raise LearnError(
            f"{file}: says nothing about {int(np.sum(~is_known)):,} of {len(best):,} {question.entities} and dates;"
            " make it from the sources of this warehouse, from an early enough date"
        )
    return area_under_curve(best, examples.outcomes)


def _print_figures(figures: "dict[str, object]") -> None:
    rows = [
        (name, f"{value:.4f}" if isinstance(value, float) else value)
        for name, value in figures.items()
        if name not in ("calibration", "dates")
    ]
    print_rows(["figure", "value"], rows, is_csv=False)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise LearnError(f"{text}: not a date; write it as 2016-12-31") from None


def _failed(error: Exception) -> typer.Exit:
    typer.secho(f"learn: {error}", fg="red", err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    app()
