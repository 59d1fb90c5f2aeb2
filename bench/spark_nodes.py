"""What each node of a build on Spark has cost: seconds, stages, tasks, and the bytes that it read, shuffled and spilled.

Usage:
    export SPARK_CONF_DIR=conf        with a spark-defaults.conf: spark.eventLog.enabled true, spark.eventLog.dir file:///tmp/events
    DBT_TARGET=spark dbt build --resource-type model
    python -m bench.spark_nodes /tmp/events target/run_results.json --largest 10

dbt runs one statement after the other, so a stage belongs to the node that was being built when it began. Prints a table in Markdown, the node that shuffled most first.

Exit codes: 0, or 2 if there is no such log or result.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

# What Spark calls the sums over the tasks of a stage.
_READ = "internal.metrics.input.bytesRead"
_SHUFFLED = "internal.metrics.shuffle.write.bytesWritten"
_SPILLED = "internal.metrics.diskBytesSpilled"
_CPU_NANOSECONDS = "internal.metrics.executorCpuTime"
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Stage:
    """A stage that has ended: what Spark divides a statement into, between two shuffles.

    Attributes:
        began: seconds since 1970.
        tasks: the parts that are worked on at the same time.
        read: bytes of files.
        shuffled: bytes written for the next stage.
        spilled: bytes that did not fit into memory.
        cpu_seconds: of all its tasks.
    """

    began: float
    tasks: int
    read: int
    shuffled: int
    spilled: int
    cpu_seconds: float


@dataclass(frozen=True)
class Node:
    """A node of the build, and its stages."""

    name: str
    seconds: float
    stages: tuple[Stage, ...]

    @property
    def shuffled(self) -> int:
        """Bytes written between its stages."""
        return sum(stage.shuffled for stage in self.stages)


def read_stages(log: Path) -> Iterator[Stage]:
    """The stages in an event log of Spark: one file, or a folder with several."""
    for file in sorted(log.rglob("*")) if log.is_dir() else [log]:
        if not file.is_file():
            continue
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                if event["Event"] == "SparkListenerStageCompleted":
                    yield _stage(event["Stage Info"])


def _stage(information: dict[str, Any]) -> Stage:
    sums = {entry["Name"]: entry["Value"] for entry in information["Accumulables"]}
    return Stage(
        began=information["Submission Time"] / 1000,
        tasks=information["Number of Tasks"],
        read=int(sums.get(_READ, 0)),
        shuffled=int(sums.get(_SHUFFLED, 0)),
        spilled=int(sums.get(_SPILLED, 0)),
        cpu_seconds=int(sums.get(_CPU_NANOSECONDS, 0)) / 1e9,
    )


def read_nodes(results: Path, stages: list[Stage]) -> list[Node]:
    """The nodes of a build with their stages, the one that shuffled most first.

    Args:
        results: the `run_results.json` of dbt.
        stages: from the event log of the same build.
    """
    nodes = []
    for result in json.loads(results.read_text(encoding="utf-8"))["results"]:
        times = [
            (_seconds(part["started_at"]), _seconds(part["completed_at"]))
            for part in result["timing"]
        ]
        own = tuple(
            stage for stage in stages if any(start <= stage.began <= end for start, end in times)
        )
        nodes.append(Node(result["unique_id"].split(".")[2], result["execution_time"], own))
    return sorted(nodes, key=lambda node: node.shuffled, reverse=True)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def table(nodes: list[Node]) -> list[str]:
    """Lines of Markdown."""
    lines = [
        "| node | s | stages | tasks | CPU s of tasks | MiB read | MiB shuffled | MiB spilled |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for node in nodes:
        megabytes = [
            sum(getattr(stage, kind) for stage in node.stages) / _MEBIBYTE
            for kind in ("read", "shuffled", "spilled")
        ]
        figures = [
            f"{node.seconds:.1f}",
            str(len(node.stages)),
            str(sum(stage.tasks for stage in node.stages)),
            f"{sum(stage.cpu_seconds for stage in node.stages):.1f}",
            *(f"{size:.1f}" for size in megabytes),
        ]
        lines.append(f"| `{node.name}` | {' | '.join(figures)} |")
    return lines


def main(
    log: Annotated[Path, typer.Argument(help="The event log of Spark, or the folder of it.")],
    results: Annotated[Path, typer.Argument(help="The run_results.json of dbt.")],
    largest: Annotated[int, typer.Option(min=1, help="How many nodes to show.")] = 10,
) -> None:
    """Print what the nodes of a build on Spark have cost."""
    try:
        nodes = read_nodes(results, list(read_stages(log)))
    except (OSError, ValueError, KeyError) as error:
        typer.secho(f"spark_nodes: {log}, {results}: cannot be read: {error!r}", fg="red", err=True)
        raise typer.Exit(2) from error
    for line in table(nodes[:largest]):
        typer.echo(line)
    seconds = sum(node.seconds for node in nodes)
    typer.echo(f"\n{len(nodes)} nodes, {seconds:.0f} s, {sum(len(n.stages) for n in nodes)} stages")


if __name__ == "__main__":
    typer.run(main)
