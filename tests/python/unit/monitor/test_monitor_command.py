"""The command: exit codes, JSON, lists, silences, metrics, thresholds, and the loop that ends on SIGTERM."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from planted import Planted
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

import scripts.monitor.checks  # noqa: F401
from scripts.monitor.__main__ import Options, _Monitor, app
from scripts.monitor.registry import BLIND, CHECKS
from scripts.monitor.state import Alert, read_state
from scripts.monitor.thresholds import DEFAULTS, ThresholdsError, read_thresholds
from scripts.warehouse.clock import utc_now

ROOT = Path(__file__).parents[4]
RUNBOOKS = ROOT / "docs/runbooks"


@pytest.fixture(autouse=True)
def environment(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    places = planted.places
    monkeypatch.setenv("LAKE", places.lake)
    monkeypatch.setenv("WAREHOUSE", str(places.warehouse))
    monkeypatch.setenv("PUBLISHED", str(places.published))
    monkeypatch.setenv("RUNS", str(places.runs))
    for name in ("MONITOR_NOTIFY", "BATCH_DEADLINE", "MONITOR_PROMETHEUS", "MONITOR_THRESHOLDS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MONITOR_THRESHOLDS", str(planted.own_thresholds()))


def monitor(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_nothing_to_tell_is_exit_code_0() -> None:
    assert monitor() == (0, "Nothing to tell.\n", "")


def test_something_to_tell_is_exit_code_1_and_two_lines(planted: Planted) -> None:
    planted.run(utc_now() - timedelta(hours=1), status="failed", message="[red] is no markup")
    code, output, _ = monitor()
    assert code == 1
    what, action = output.splitlines()
    assert what.startswith("critical: build (data/warehouse.duckdb, by loader) failed at ")
    assert what.endswith(": [red] is no markup")
    assert action.endswith("; docs/runbooks/run_failed.md")


def test_what_cannot_be_looked_at_is_exit_code_2(planted: Planted) -> None:
    planted.places.runs.mkdir()
    (planted.places.runs / "Batch20261130").mkdir()
    (planted.places.runs / "Batch20261130/run_started-1.jsonl").write_text("{}")
    code, output, _ = monitor()
    assert code == 2
    assert output.count("run_started-1.jsonl, line 1") == 1


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("RUNS", "/proc/none", "set RUNS to a folder that the monitor can write"),
        ("DBT_TARGET", "oracle", "set it to duckdb or postgres"),
        ("BATCH_DEADLINE", "noon", "write it as 06:30"),
        ("MONITOR_THRESHOLDS", "/none.yml", "cannot be read"),
    ],
)
def test_an_unusable_environment_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    code, output, errors = monitor()
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("monitor: ")
    assert said in errors


def test_a_fault_of_one_check_does_not_blind_the_others(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.run(utc_now() - timedelta(hours=1), status="failed")

    def broken(_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setitem(CHECKS, "disk_full", replace(CHECKS["disk_full"], look=broken))
    code, output, _ = monitor()
    assert code == 2
    assert "disk_full: ZeroDivisionError: by nothing; report it" in output
    assert "failed at" in output


def test_on_a_full_disk_alerts_are_told_and_only_once(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.run(utc_now() - timedelta(hours=1), status="failed")
    told = []

    def tell(_: object, active: list[Alert], *others: object) -> list[str]:
        told.extend(alert for alert in active if not alert.told)
        for alert in active:
            alert.told["service"] = utc_now()
        return []

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scripts.monitor.__main__.tell", tell)
    monkeypatch.setattr("scripts.warehouse.files.os.fsync", full)
    thresholds = read_thresholds(planted.own_thresholds())
    options = Options(thresholds, None, (), timedelta(hours=4), None, as_json=False)
    watching = _Monitor(planted.places, options)
    assert [watching.look(), watching.look()] == [2, 2]
    assert len(told) == 1
    monkeypatch.undo()
    assert watching.look() == 1
    assert read_state(planted.places.runs)[0].alerts.keys() == {told[0].finding.key}


def test_json_has_the_documented_keys(planted: Planted) -> None:
    planted.run(utc_now() - timedelta(hours=1), status="failed")
    code, output, _ = monitor("--json")
    look = json.loads(output)
    assert code == 1
    documented = (ROOT / "docs/operations.md").read_text()
    (alert,) = look["alerts"]
    assert (alert["check"], alert["is_silenced"]) == ("run_failed", False)
    assert [key for key in (*look, *alert) if f"`{key}`" not in documented] == []


def test_each_check_is_listed_and_has_its_page() -> None:
    _, output, _ = monitor("--list")
    names = [*CHECKS, BLIND.name]
    assert re.findall(r"^(\w+) \(", output, flags=re.M) == names
    assert sorted(page.stem for page in RUNBOOKS.glob("*.md") if page.stem != "README") == sorted(
        names
    )


@pytest.mark.parametrize("name", [*CHECKS, BLIND.name])
def test_a_runbook_says_what_it_means_how_to_look_what_to_do_and_when_it_is_over(
    name: str,
) -> None:
    page = (RUNBOOKS / f"{name}.md").read_text()
    assert page.startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)", page, flags=re.M) == [
        "What it means",
        "How to look",
        "What to do",
        "When it is over",
    ]
    assert f"({name}.md)" in (RUNBOOKS / "README.md").read_text()


def test_a_silence_is_made_listed_and_ended(planted: Planted) -> None:
    planted.run(utc_now() - timedelta(hours=1), status="failed")
    until = f"{utc_now() + timedelta(days=2):%Y-%m-%dT%H:%M}"
    code, output, _ = monitor(
        "silence", "--until", until, "--check", "run_failed", "--reason", "migration"
    )
    assert code == 0
    assert re.fullmatch(r"1: run_failed, \*, until .* UTC, by \w+: migration\n", output)
    assert monitor() == (0, "1 silenced; `silence` lists why.\nNothing to tell.\n", "")
    assert json.loads(monitor("--json")[1])["alerts"][0]["is_silenced"] is True
    assert monitor("silence")[1] == output
    assert monitor("silence", "--end", "1") == (0, "Nothing is silenced.\n", "")
    assert monitor()[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--until", "2020-01-01T06:00", "--reason", "x"), "has passed"),
        (("--until", "2999-01-01T06:00", "--reason", "x", "--check", "nope"), "no such check"),
        (("--until", "2999-01-01T06:00"), "--reason is missing"),
        (("--end", "7"), "no such silence"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(arguments: tuple[str, ...], said: str) -> None:
    code, _, errors = monitor("silence", *arguments)
    assert code == 2
    assert said in errors
    assert monitor("silence")[1] == "Nothing is silenced.\n"


def test_metrics_are_written_whole_and_documented(planted: Planted) -> None:
    now = utc_now()
    planted.run(now - timedelta(hours=3), seconds=120, status="failed")
    planted.run(now - timedelta(hours=2), seconds=90)
    planted.run(now - timedelta(minutes=2), seconds=None, **planted.own_process())
    planted.publish(now - timedelta(hours=1))
    planted.deliver(2, now - timedelta(hours=2), brokerage__trade={"rows_read": 12})
    file = planted.folder / "brokerage.prom"
    assert monitor("--prometheus", str(file))[0] == 0
    metrics = {
        sample.name: sample
        for family in text_string_to_metric_families(file.read_text())
        for sample in family.samples
    }
    assert metrics["brokerage_batch_duration_seconds"].value == 90
    assert metrics["brokerage_published_batch"].value == 3
    assert metrics["brokerage_feed_rows"].labels == {"feed": "brokerage.trade"}
    assert metrics["brokerage_feed_rows"].value == 12
    assert metrics["brokerage_run_last_success"].value == 1
    assert metrics["brokerage_run_running_seconds"].value >= 120
    documented = (ROOT / "docs/operations.md").read_text()
    assert [name for name in metrics if f"`{name}`" not in documented] == []
    assert not [path for path in planted.folder.iterdir() if path.name.startswith(file.name + ".")]


def test_metrics_that_cannot_be_written_are_told_of() -> None:
    code, _, errors = monitor("--prometheus", "/proc/none/brokerage.prom")
    assert code == 1
    assert "name a file that can be written" in errors


def test_without_prometheus_client_one_line_says_how_to_install_it(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    code, _, errors = monitor("--prometheus", str(planted.folder / "m.prom"))
    assert code == 1
    assert "prometheus-client is not installed; run `make .venv/.monitor`" in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_monitor_that_keeps_looking_tells_changes_and_ends_in_order(
    planted: Planted, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "scripts.monitor", "--every", "0.1"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as started:
        assert started.stdout and started.stderr
        assert started.stdout.readline() == "Nothing to tell.\n"
        planted.run(utc_now() - timedelta(hours=1), status="failed")
        assert "failed at" in started.stdout.readline()
        assert "run_failed.md" in started.stdout.readline()
        planted.run(utc_now() - timedelta(minutes=30))
        assert started.stdout.readline().startswith("over: build")
        started.send_signal(number)
        assert (started.stdout.read(), started.stderr.read()) == ("", "")
    assert started.returncode == 0


def test_a_look_imports_neither_dbt_nor_the_extras() -> None:
    code = (
        "import sys; from scripts.monitor.__main__ import app; app([], standalone_mode=False);"
        "print(sorted({'dbt', 'apprise', 'prometheus_client', 'lxml'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout == "Nothing to tell.\n[]\n", shown.stderr


def test_own_thresholds_replace_single_limits(tmp_path: Path) -> None:
    own = tmp_path / "own.yml"
    own.write_text("runs: {least_factor: 3}\nfeeds: {prospect.prospect: {least_factor: 5}}")
    limits = read_thresholds(own)
    assert limits["runs"] == read_thresholds()["runs"] | {"least_factor": 3}
    assert limits.of_feed("prospect.prospect") == limits["feed"] | {"least_factor": 5}
    assert limits.of_feed("brokerage.trade") == limits["feed"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("runs: {nope: 3}", "there is no 'nope'; there are spreads"),
        ("nope: {least_factor: 3}", "there is no 'nope'; there are history"),
        ("runs: {least_factor: three}", "runs.least_factor is 'three'"),
        ("runs: {least_factor: true}", "runs.least_factor is True"),
        ("runs: 3", "runs has no limits"),
        ("feeds: {brokerage.trade: {nope: 1}}", "there is no 'nope'"),
        ("feeds: {brokerage.trade: 1}", "has no limits"),
        ("- runs", "holds no sections"),
        ("runs: {", "cannot be read"),
    ],
)
def test_thresholds_that_do_not_exist_are_refused(tmp_path: Path, content: str, said: str) -> None:
    own = tmp_path / "own.yml"
    own.write_text(content)
    with pytest.raises(ThresholdsError, match=re.escape(said)):
        read_thresholds(own)


def test_each_limit_has_its_reason() -> None:
    lines = DEFAULTS.read_text().splitlines()
    for before, line in pairwise(lines):
        if re.match(r"  \w+: ", line):
            assert before.strip().startswith("#") or re.match(r"  \w+: ", before), line
