"""Ask for metrics.

Usage:
    python -m scripts.metrics list
    python -m scripts.metrics show clients                        what it means, and what it can be grouped by
    python -m scripts.metrics query clients trading_revenue --by metric_time__month --order -metric_time__month --limit 12
    python -m scripts.metrics query cash_share --by broker__branch --where "customer__tier in 1, 2" --csv > cash.csv
    python -m scripts.metrics query cash_share --by broker__branch --sql
    python -m scripts.metrics query clients --file data/published/current/analyst.duckdb

Reads the warehouse that WAREHOUSE names, or with DBT_TARGET=postgres the database that PGHOST, PGDATABASE, ... name. Metrics are explained in docs/metrics.md.

Exit codes: 0; 2 if the question has no answer, or the warehouse cannot be read.
"""

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from scripts.metrics.definitions import Definitions, MetricsError
from scripts.metrics.query import Answer, query_metrics
from scripts.warehouse.base import Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse, with_advice
from scripts.warehouse.engines import UNUSABLE, from_environment
from scripts.warehouse.settings import Target, use_setting

app = typer.Typer(help="Ask for metrics.", no_args_is_help=True, add_completion=False)


@app.command("list")
def list_metrics() -> None:
    """Show every metric."""
    table = Table("metric", "unit", "add up over", "owner", "what it is", box=None, pad_edge=False)
    for metric in _definitions().metrics.values():
        table.add_row(
            metric.name, metric.unit, metric.additive_over, metric.owner, metric.description
        )
    Console().print(table)


@app.command("show")
def show_metrics(
    names: Annotated[
        list[str], typer.Argument(help="Metrics; of several, what all can be grouped by.")
    ],
) -> None:
    """Show what metrics mean, and what they can be grouped by."""
    definitions = _definitions()
    try:
        group_bys = definitions.group_bys(names)
    except MetricsError as error:
        raise _failed(error) from error
    for name in names:
        metric = definitions.metrics[name]
        typer.echo(f"{metric.label}: {metric.description}")
        typer.echo(
            f"  {metric.kind}; unit: {metric.unit}; add up over: {metric.additive_over}; owner: {metric.owner}"
        )
    typer.echo(f"Group by: {', '.join(group_bys)}")


@app.command("query")
def query(
    names: Annotated[list[str], typer.Argument(help="Metrics.")],
    by: Annotated[
        list[str] | None, typer.Option(help="Dimension to group by; may be repeated.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Condition, such as `customer__tier = 1`; may be repeated."),
    ] = None,
    order: Annotated[
        list[str] | None,
        typer.Option(help="Column to sort by, after a `-` if descending; may be repeated."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Number of rows.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A DuckDB file to read, instead of the warehouse.")
    ] = None,
    target: Annotated[
        Target,
        typer.Option(envvar="DBT_TARGET", help="Where the warehouse is, as in profiles.yml."),
    ] = Target.DUCKDB,
    is_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    is_sql: Annotated[
        bool, typer.Option("--sql", help="Print the SQL, and do not run it.")
    ] = False,
) -> None:
    """Show the values of metrics, in one row for each group."""
    use_setting("DBT_TARGET", target)
    definitions = _definitions()
    question = (names, by or [], where or [], order or [], limit)
    try:
        warehouse: Warehouse = DuckDBWarehouse(file) if file else from_environment(target)
        if is_sql:
            typer.echo(definitions.statement(warehouse.target, *question).sql)
            return
        answer = query_metrics(warehouse, *question, definitions=definitions)
    except (MetricsError, FileNotFoundError, *UNUSABLE) as error:
        raise _failed(error) from error
    _print(answer, is_csv=is_csv)


def _print(answer: Answer, *, is_csv: bool) -> None:
    if is_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(answer.columns)
        writer.writerows(answer.rows)
        return
    table = Table(*answer.columns, box=None, pad_edge=False)
    for row in answer.rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console().print(table)


def _definitions() -> Definitions:
    try:
        return Definitions.of_project()
    except MetricsError as error:
        raise _failed(error) from error


def _failed(error: Exception) -> typer.Exit:
    typer.secho(f"metrics: {with_advice(error)}", fg="red", err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    app()
