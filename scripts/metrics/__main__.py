"""Ask for metrics.

Usage:
    python -m scripts.metrics                                     every metric, and what it is
    python -m scripts.metrics clients --show                      what it means, and what it can be grouped by
    python -m scripts.metrics clients trading_revenue --by metric_time__month --order -metric_time__month --limit 12
    python -m scripts.metrics cash_share --by broker__branch --where "customer__tier in 1, 2" --csv > cash.csv
    python -m scripts.metrics cash_share --by broker__branch --sql
    python -m scripts.metrics clients --file copy/warehouse.duckdb

Reads what is published for analysts (PUBLISHED), so it may be asked while a build is running; the warehouse itself if nothing is published yet; with DBT_TARGET=postgres the
database that PGHOST, PGDATABASE, ... name. Metrics are explained in docs/metrics.md.

Exit codes: 0; 2 if the question has no answer, or the warehouse cannot be read.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from scripts.metrics.definitions import Definitions, MetricsError
from scripts.metrics.query import query_metrics
from scripts.publish.tables import Reader
from scripts.publish.versions import CURRENT
from scripts.warehouse.base import Warehouse
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse, with_advice
from scripts.warehouse.engines import UNUSABLE, from_environment
from scripts.warehouse.settings import Target, setting, use_setting
from scripts.warehouse.terminal import print_rows

_COLUMNS = ("metric", "unit", "additive over", "owner", "what it is")


def main(
    metrics: Annotated[
        list[str] | None, typer.Argument(help="Metrics; without any, all are listed.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="Dimension to group by; may be repeated.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Condition, such as `customer__tier = 1`; may be repeated."),
    ] = None,
    order: Annotated[
        list[str] | None,
        typer.Option(
            help="Column to sort by, after a `-` if descending; may be repeated. By default, what is grouped by."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Number of rows.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A DuckDB file to read, instead of what is published.")
    ] = None,
    target: Annotated[
        Target,
        typer.Option(envvar="DBT_TARGET", help="Where the warehouse is, as in profiles.yml."),
    ] = Target.DUCKDB,
    is_shown: Annotated[
        bool, typer.Option("--show", help="Explain the metrics, and what they can be grouped by.")
    ] = False,
    is_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    is_sql: Annotated[
        bool, typer.Option("--sql", help="Print the SQL, and do not run it.")
    ] = False,
) -> None:
    """Show the values of metrics, in one row for each group."""
    use_setting("DBT_TARGET", target)
    try:
        definitions = Definitions.of_project()
        if not metrics:
            print_rows(_COLUMNS, _described(definitions), is_csv=is_csv)
        elif is_shown:
            _show(definitions, metrics)
        else:
            warehouse = DuckDBWarehouse(file) if file else _read_by_analysts(target)
            question = (metrics, by or [], where or [], order or [], limit)
            if is_sql:
                typer.echo(definitions.statement(warehouse.target, *question).sql)
                return
            answer = query_metrics(warehouse, *question, definitions=definitions)
            print_rows(answer.columns, answer.rows, is_csv=is_csv)
    except (MetricsError, FileNotFoundError, *UNUSABLE) as error:
        typer.secho(f"metrics: {with_advice(error)}", fg="red", err=True)
        raise typer.Exit(2) from error


def _read_by_analysts(target: Target) -> Warehouse:
    """What is published; the warehouse if nothing is, and on Postgres."""
    # One version, although `current` may lead to another one in the next moment.
    published = (Path(setting("PUBLISHED")) / CURRENT).resolve() / f"{Reader.ANALYST}.duckdb"
    if target is Target.DUCKDB and published.is_file():
        return DuckDBWarehouse(published)
    return from_environment(target)


def _described(definitions: Definitions) -> list[tuple[str, ...]]:
    return [
        (metric.name, metric.unit, metric.additive_over, metric.owner, metric.description)
        for metric in definitions.metrics.values()
    ]


def _show(definitions: Definitions, names: Sequence[str]) -> None:
    group_bys = definitions.group_bys(names)
    for metric in (definitions.metrics[name] for name in names):
        typer.echo(f"{metric.label} ({metric.kind}): {metric.description}")
        typer.echo(
            f"  in {metric.unit}; additive over {metric.additive_over}; owned by: {metric.owner}"
        )
    typer.echo(f"Group by: {', '.join(group_bys)}")


if __name__ == "__main__":
    typer.run(main)
