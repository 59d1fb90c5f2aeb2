"""Records of runs as a warehouse leaves them, for tests."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from scripts.history.records import (
    ModelCheck,
    ModelOutcome,
    ModelPromotion,
    NodeRun,
    RecordedRun,
    RunEnded,
    RunStarted,
    ShareDelivery,
    SystemRead,
    write_records,
)
from scripts.warehouse.settings import Target

FIRST_DAY = datetime(2026, 11, 28, 22, 0)
NODES = ("model.p.dim_trade", "model.p.fct_watches", "test.p.assert_a", "seed.p.lists")


def _uuid(*numbers: int) -> str:
    return str(UUID(int=sum(number << (32 * place) for place, number in enumerate(numbers))))


def green_run(kind: str, run_id: str, at: datetime, seconds: float, warehouse: str) -> RecordedRun:
    """A run that was green, on another machine: its process is not one of this machine. A build has had work."""
    started = RunStarted(
        run_id=run_id,
        kind=kind,
        parent_run_id=None,
        started_at=at,
        host="elsewhere",
        process_id=1,
        process_started=1,
        user_name="loader",
        target=Target.DUCKDB,
        warehouse=warehouse,
        arguments="",
        project_version=None,
        batch=None,
    )
    ended = RunEnded(
        run_id=run_id,
        ended_at=at + timedelta(seconds=seconds),
        status="success",
        message=None,
        seconds=seconds,
        cpu_seconds=seconds,
        peak_mib=500,
        rows_landed=None,
        rows_quarantined=None,
        nodes_failed=0 if kind == "build" else None,
    )
    return RecordedRun(started, ended)


def write_history(folder: Path, days: int = 3, runs: int = 6) -> None:
    """Days of builds with their nodes, over midnight; the third run of a day is killed, the fourth fails, and the last one has a child that was killed."""
    for day in range(days):
        for number in range(runs):
            _write_run(folder, day, number, runs)


def _write_run(folder: Path, day: int, number: int, runs: int) -> None:
    started_at = FIRST_DAY + timedelta(days=day, minutes=30 * number)
    ended_at = started_at + timedelta(minutes=29)
    run_id = _uuid(number + 1, day + 1)
    write_records(folder, [run_started(run_id, None, started_at)], started_at)
    if number == runs - 1:
        child = run_started(_uuid(number + 1, day + 1, 1), run_id, started_at)
        write_records(folder, [child], started_at)
    if number == 2:
        return
    has_failed = number == 3
    nodes = list(_nodes(run_id, _uuid(number + 1, day + 1, 2), started_at, day, has_failed))
    write_records(folder, nodes, ended_at)
    write_records(folder, [system_read(run_id, started_at)], ended_at)
    write_records(folder, [share_delivery(run_id, ended_at)], ended_at)
    write_records(folder, [model_check(run_id, ended_at)], ended_at)
    write_records(folder, [model_promotion(run_id, ended_at)], ended_at)
    write_records(folder, [model_outcome(run_id, ended_at)], ended_at)
    ended = RunEnded(
        run_id,
        ended_at,
        "failed" if has_failed else "success",
        "assert_a is red" if has_failed else None,
        1740.0,
        100.25 + number,
        300.5,
        10 * number,
        0,
        int(has_failed),
    )
    write_records(folder, [ended], ended_at)


def run_started(run_id: str, parent: str | None, at: datetime) -> RunStarted:
    """The beginning of a build, or of a publication in another run."""
    return RunStarted(
        run_id=run_id,
        kind="build" if parent is None else "publish",
        parent_run_id=parent,
        started_at=at,
        host="host",
        process_id=7,
        process_started=8,
        user_name="ann",
        target="duckdb",
        warehouse="/data/warehouse.duckdb",
        arguments="--full",
        project_version=None,
        batch=None,
    )


def system_read(run_id: str, at: datetime) -> SystemRead:
    """What was read of a feed of a living system."""
    return SystemRead(
        run_id=run_id,
        system="brokerage",
        feed_name="trade",
        batch_number=1,
        read_at=at,
        rows_read=100,
        system_rows=None,
        files=1,
        bytes=2048,
        retries=1,
        lag_bytes=512,
        lag_rows=None,
        unknown_columns="added, added_too",
        warning=None,
    )


def share_delivery(run_id: str, at: datetime) -> ShareDelivery:
    """A table that a recipient was given."""
    return ShareDelivery(
        run_id=run_id,
        action="build",
        delivered_at=at,
        recipient="partner",
        share="trades",
        version="1",
        published_version="batch-0001-20261128T220000Z",
        published_batch=1,
        table_name="trades",
        source_table="marts.dim_trade",
        row_count=100,
        byte_count=4096,
        column_names="trade_id, status",
        personal_columns=None,
        destination=None,
        user_name="ann",
        reason=None,
    )


def model_check(run_id: str, at: datetime) -> ModelCheck:
    """A feature that was compared with that a model has learned from."""
    return ModelCheck(
        run_id=run_id,
        checked_at=at,
        model_name="attrition",
        model_version=1,
        published_version="batch-0001-20261128T220000Z",
        published_batch=1,
        check_name="input_drift",
        subject="open_accounts",
        value=0.125,
        watch_from=0.1,
        act_from=0.25,
        state="watch",
    )


def model_promotion(run_id: str, at: datetime) -> ModelPromotion:
    """A first champion."""
    return ModelPromotion(
        run_id=run_id,
        promoted_at=at,
        model_name="attrition",
        role="champion",
        model_version=1,
        previous_version=None,
        reason="forced",
        note="to try it out",
        user_name="ann",
        kind="logistic",
        published_version="batch-0001-20261128T220000Z",
        learned_until="2015-12-31",
        judged_until="2017-03-31",
        examples=1000,
        area=0.75,
        area_low=0.7,
        area_high=0.8,
        chance=0.002,
    )


def model_outcome(run_id: str, at: datetime) -> ModelOutcome:
    """What it said about a date, and what happened."""
    return ModelOutcome(
        run_id=run_id,
        checked_at=at,
        model_name="attrition",
        role="champion",
        model_version=1,
        published_version="batch-0001-20261128T220000Z",
        published_batch=1,
        as_of_date="2017-03-31",
        examples=1000,
        expected=12.5,
        happened=14,
        area=0.74,
    )


def _nodes(
    run_id: str, invocation: str, at: datetime, day: int, has_failed: bool
) -> Iterator[NodeRun]:
    for place, node_id in enumerate(NODES):
        kind = node_id.partition(".")[0]
        is_test = kind == "test"
        is_red = is_test and has_failed
        yield NodeRun(
            run_id=run_id,
            invocation=invocation,
            node_id=node_id,
            name=node_id.rpartition(".")[2],
            kind=kind,
            schema_name=None if is_test else "marts",
            status="fail" if is_red else "pass" if is_test else "success",
            started_at=at + timedelta(seconds=place),
            seconds=place + day / 4,
            row_count=int(is_red) if is_test else None,
            message="Got 1 result" if is_red else None,
            sql_digest=None,
        )
