"""What the best forecast of who leaves reaches on a generated dataset: the ceiling for every model.

    python -m brokerage_sources.truth data/sources
    python -m brokerage_sources.truth data/sources --from 2016-01-01 --csv truth.csv

It looks at the ends of calendar quarters. Without a planted signal (`generate --attrition-signal`), what can still be foreseen is that who has one account loses the last one
sooner than who has several.

Exit codes: 0 shown, 2 the folder is no generated dataset, or the file cannot be written.
"""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
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
from brokerage_sources.generate.crm_plan import crm_plan
from brokerage_sources.generate.parameters import Parameters
from brokerage_sources.generate.run import parameters_of
from brokerage_sources.generate.writing import OutputError

app = typer.Typer(add_completion=False)
_EPOCH = date(1970, 1, 1)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="A generated dataset, with its manifest.json.")],
    first: Annotated[
        str, typer.Option("--from", metavar="DATE", help="The first quarter's end to look at.")
    ] = "2013-03-31",
    file: Annotated[
        Path | None, typer.Option("--csv", help="Also write each customer and day to this file.")
    ] = None,
) -> None:
    """Say what the best forecast of who leaves within 90 days reaches."""
    try:
        parameters = parameters_of(folder)
        known = list(truth(parameters, date.fromisoformat(first)))
        if file:
            _write(file, known)
    except (OutputError, ValueError, OSError) as error:
        typer.secho(f"truth: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
    typer.echo("as of       customers   leave  best AUC")
    for each in known:
        typer.echo(_line(str(_day(each)), each.probability, each.has_left))
    typer.echo(
        _line(
            "all       ",
            np.concatenate([each.probability for each in known]),
            np.concatenate([each.has_left for each in known]),
        )
    )


def truth(parameters: Parameters, first: date) -> Iterator[Departures]:
    """What could be foreseen at the ends of quarters, and what happened, as far as the history of the dataset tells it."""
    plan = crm_plan(parameters)
    last = calendar.batch_day(parameters.batches) - HORIZON_DAYS
    quarter = calendar.quarter_of_day((first - _EPOCH).days)
    while (day := calendar.quarter_first_day(quarter + 1) - 1) <= last:
        if day >= (first - _EPOCH).days:
            yield departures(parameters, plan.actions, plan.owner, day)
        quarter += 1


def _day(each: Departures) -> date:
    return _EPOCH + timedelta(days=each.day)


def _line(name: str, probability: np.ndarray, has_left: np.ndarray) -> str:
    area = area_under_curve(probability, has_left)
    shown = "-" if area is None else f"{area:.4f}"
    return f"{name}  {len(has_left):>9,}  {int(has_left.sum()):>6,}  {shown:>8}"


def _write(file: Path, known: list[Departures]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["customer_id", "as_of_date", "probability", "has_left"])
        for each in known:
            for customer, probability, has_left in zip(
                each.customers.tolist(),
                each.probability.tolist(),
                each.has_left.tolist(),
                strict=True,
            ):
                writer.writerow([customer, _day(each), f"{probability:.9f}", int(has_left)])


if __name__ == "__main__":
    app()
