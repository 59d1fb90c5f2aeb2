"""What the best forecast of who leaves, or which prospects become customers, reaches on a generated dataset: the ceiling for every model.

    python -m brokerage_sources.truth data/sources
    python -m brokerage_sources.truth data/sources --from 2016-01-01 --csv truth.csv
    python -m brokerage_sources.truth data/sources --question conversion

It looks at the ends of calendar quarters for who leaves, and at the ends of weeks with batches for who becomes a customer. Without a planted signal (`generate --attrition-signal`), what can still be foreseen is that who has one account loses the last one
sooner than who has several.

Exit codes: 0 shown, 2 the folder is no generated dataset, or the file cannot be written.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from brokerage_sources.generate import calendar
from brokerage_sources.generate.attrition import (
    HORIZON_DAYS,
    Departures,
    area_under_curve,
    departures,
)
from brokerage_sources.generate.conversion import HORIZON_DAYS as CONVERSION_DAYS
from brokerage_sources.generate.conversion import Conversions, foreseen
from brokerage_sources.generate.crm_plan import crm_plan
from brokerage_sources.generate.parameters import Parameters
from brokerage_sources.generate.prospect import agency_ids, prospect_customers, turnover
from brokerage_sources.generate.run import parameters_of
from brokerage_sources.generate.writing import OutputError

app = typer.Typer(add_completion=False)
_EPOCH = date(1970, 1, 1)
_SUNDAY = 6


class Question(StrEnum):
    """What is foreseen."""

    ATTRITION = "attrition"
    CONVERSION = "conversion"

    @property
    def columns(self) -> list[str]:
        """Of the file."""
        key, happened = {
            Question.ATTRITION: ("customer_id", "has_left"),
            Question.CONVERSION: ("agency_id", "has_converted"),
        }[self]
        return [key, "as_of_date", "probability", happened]


@dataclass(frozen=True)
class Day:
    """What could be foreseen at the end of a day, and what happened.

    Attributes:
        day: the day.
        keys: of customers or prospects.
        probability: that it happens to each.
        happened: whether it did.
        counts: to whom it could happen; the others are written into the file only.
    """

    day: date
    keys: list[int] | list[str]
    probability: np.ndarray
    happened: np.ndarray
    counts: np.ndarray


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="A generated dataset, with its manifest.json.")],
    first: Annotated[
        str, typer.Option("--from", metavar="DATE", help="The first as-of date to look at.")
    ] = "2013-03-31",
    file: Annotated[
        Path | None, typer.Option("--csv", help="Also write each key and day to this file.")
    ] = None,
    question: Annotated[
        Question, typer.Option(help="Who leaves, or which prospects become customers.")
    ] = Question.ATTRITION,
) -> None:
    """Say what the best forecast reaches: of who leaves within 90 days, or becomes a customer within seven."""
    try:
        parameters = parameters_of(folder)
        known = list(_days(parameters, question, date.fromisoformat(first)))
        if file:
            _write(file, question, known)
    except (OutputError, ValueError, OSError) as error:
        typer.secho(f"truth: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
    is_attrition = question == Question.ATTRITION
    who, what = ("customers", "leave") if is_attrition else ("prospects", "become")
    typer.echo(f"as of       {who:>9}  {what:>6}  best AUC")
    for each in known:
        typer.echo(_line(str(each.day), each.probability[each.counts], each.happened[each.counts]))
    none = np.zeros(0)
    typer.echo(
        _line(
            "all       ",
            np.concatenate([none, *(each.probability[each.counts] for each in known)]),
            np.concatenate([none.astype(bool), *(each.happened[each.counts] for each in known)]),
        )
    )


def _days(parameters: Parameters, question: Question, first: date) -> Iterator[Day]:
    if question == Question.ATTRITION:
        for left in truth(parameters, first):
            everybody = np.ones(len(left.customers), dtype=bool)
            yield Day(
                _date(left.day), left.customers.tolist(), left.probability, left.has_left, everybody
            )
        return
    for each in conversions(parameters, first):
        keys = agency_ids(parameters, each.ids)
        yield Day(_date(each.day), keys, each.probability, each.has_converted, ~each.is_customer)


def conversions(parameters: Parameters, first: date) -> Iterator[Conversions]:
    """What could be foreseen at the ends of weeks about prospects, and what happened, as far as the batches tell it."""
    lists, customers = turnover(parameters), prospect_customers(parameters)
    begin = max((first - _EPOCH).days, calendar.FIRST_BATCH_DAY)
    last = calendar.batch_day(parameters.batches) - CONVERSION_DAYS
    for day in range(begin, last + 1):
        if _date(day).weekday() == _SUNDAY:
            yield foreseen(parameters, lists, customers, day)


def truth(parameters: Parameters, first: date) -> Iterator[Departures]:
    """What could be foreseen at the ends of quarters, and what happened, as far as the history of the dataset tells it."""
    plan = crm_plan(parameters)
    last = calendar.batch_day(parameters.batches) - HORIZON_DAYS
    quarter = calendar.quarter_of_day((first - _EPOCH).days)
    while (day := calendar.quarter_first_day(quarter + 1) - 1) <= last:
        if day >= (first - _EPOCH).days:
            yield departures(parameters, plan.actions, plan.owner, day)
        quarter += 1


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def _line(name: str, probability: np.ndarray, has_left: np.ndarray) -> str:
    area = area_under_curve(probability, has_left)
    shown = "-" if area is None else f"{area:.4f}"
    return f"{name}  {len(has_left):>9,}  {int(has_left.sum()):>6,}  {shown:>8}"


def _write(file: Path, question: Question, known: list[Day]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(question.columns)
        for each in known:
            for key, probability, happened in zip(
                each.keys, each.probability.tolist(), each.happened.tolist(), strict=True
            ):
                writer.writerow([key, each.day, f"{probability:.9f}", int(happened)])


if __name__ == "__main__":
    app()
