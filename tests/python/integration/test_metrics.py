"""Metrics equal SQL that was written independently (tests/python/metrics), whatever versions and doubles the tables hold.

pytest tests/python/integration/test_metrics.py
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from scripts.metrics.definitions import MANIFEST, Definitions, MetricsError
from scripts.metrics.query import query_metrics
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.metrics.questions import (
    QUESTIONS,
    Question,
    Values,
    answer,
    differences,
    expected,
)

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

PAGE = ROOT / "docs" / "metrics.md"
PLANTS = (ROOT / "tests" / "python" / "metrics" / "plants.sql").read_text()
# What the plants do change, on purpose.
PLANTED = {
    "active_accounts",
    *(
        "source_rows_read",
        "source_rows_quarantined",
        "quarantine_rate",
        "files_failed",
        "load_time",
    ),
    *("source_rows_rejected", "audit_checks", "audit_checks_ok", "audit_pass_rate"),
}


@pytest.fixture(scope="module")
def definitions(built: Workspace) -> Definitions:
    return Definitions(built.target / MANIFEST)


@pytest.fixture(scope="module")
def answers(built: Workspace, definitions: Definitions) -> dict[str, Values]:
    """What the metrics say, by the name of the question."""
    return {q.name: answer(q, built.warehouse, definitions) for q in QUESTIONS}


@pytest.fixture(scope="module")
def planted(built: Workspace, tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    """A copy with doubles of all that a careless join would count twice, and with findings. Views name the file, so it keeps its name."""
    file = tmp_path_factory.mktemp("planted") / "warehouse.duckdb"
    shutil.copy2(built.folder / "warehouse.duckdb", file)
    with duckdb.connect(str(file)) as connection:
        connection.execute(PLANTS)
    return DuckDBWarehouse(file)


def test_every_metric_has_an_answer_in_sql(definitions: Definitions) -> None:
    assert len(definitions.metrics) >= 25
    assert {metric for question in QUESTIONS for metric in question.metrics} == set(
        definitions.metrics
    )


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_metrics_equal_sql(
    question: Question, built: Workspace, answers: dict[str, Values]
) -> None:
    assert answers[question.name]
    assert differences(answers[question.name], expected(question, built.warehouse)) == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_nothing_counts_twice_where_there_are_doubles(
    question: Question,
    planted: DuckDBWarehouse,
    definitions: Definitions,
    answers: dict[str, Values],
) -> None:
    found = answer(question, planted, definitions)
    if question.file in ("loads", "batches"):
        assert differences(found, expected(question, planted)) == []
        return

    def unplanted(figures: Values) -> Values:
        return {key: value for key, value in figures.items() if key[1] not in PLANTED}

    assert differences(unplanted(found), unplanted(answers[question.name])) == []


def test_plants_are_found(
    built: Workspace, planted: DuckDBWarehouse, definitions: Definitions
) -> None:
    def figures(warehouse: DuckDBWarehouse) -> dict[str, float]:
        found = query_metrics(warehouse, sorted(PLANTED), definitions=definitions)
        return dict(zip(found.columns, map(float, found.rows[0]), strict=True))

    before, after = figures(built.warehouse), figures(planted)
    assert after["active_accounts"] == before["active_accounts"] + 1
    assert after["source_rows_quarantined"] == before["source_rows_quarantined"] + 1
    assert after["source_rows_rejected"] == before["source_rows_rejected"] + 2
    assert after["files_failed"] == before["files_failed"] + 1
    assert after["audit_checks"] - after["audit_checks_ok"] == 1
    assert 0 < after["quarantine_rate"] < 1 > after["audit_pass_rate"] > 0


@pytest.mark.parametrize(
    ("metrics", "by", "message"),
    [
        # A trade has one account, but an account has many trades, securities and prices.
        (["cash_balance"], ["security__symbol"], "no such dimension of cash_balance"),
        (["cash_balance"], ["trade__type"], "no such dimension of cash_balance"),
        (["clients"], ["account__status"], "no such dimension of clients"),
        (["revenue_per_client"], ["broker__branch"], "no such dimension of revenue_per_client"),
        (["audit_pass_rate"], ["load__feed"], "no such dimension of audit_pass_rate"),
        # What is known at the end of a month only is known of no day.
        (["assets_under_custody"], ["metric_time__day"], "no dimension of"),
        (["traded_notional_growth"], ["trade__type"], "only by metric_time"),
        (["commission_income_year_to_date"], [], "only by metric_time"),
        (["client"], [], "client: no such metric; there is, for example, clients"),
        (
            ["clients"],
            ["customer__tire"],
            "customer__tire: no such dimension of clients; there is, for example, customer__tier",
        ),
        ([], [], "no metric was asked for"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_what_has_no_answer_is_refused_in_one_line(
    metrics: list[str], by: list[str], message: str, built: Workspace, definitions: Definitions
) -> None:
    with pytest.raises(MetricsError, match=re.escape(message)) as error:
        query_metrics(built.warehouse, metrics, by, definitions=definitions)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("metric", ["cash_balance", "clients", "active_accounts", "holdings_value"])
def test_states_are_never_added_over_time(
    metric: str, built: Workspace, definitions: Definitions
) -> None:
    def figures(*by: str, **options: Sequence[str]) -> dict[str, float]:
        found = query_metrics(built.warehouse, [metric], by, **options, definitions=definitions)
        return {str(row[0]): float(row[-1]) for row in found.rows}

    months = figures("metric_time__month")
    (last,) = figures().values()
    assert last == months[max(months)]
    for month, year in (("2016-12-01", "2016-01-01"), ("2015-12-01", "2015-01-01")):
        assert figures("metric_time__year")[year] == months[month]
    # The filter of a time, and one that leaves out those that have nothing any more.
    (by_then,) = figures(where=["metric_time__month <= 2015-12-01"]).values()
    assert by_then == months["2015-12-01"]
    shares = figures("customer__tier", where=["metric_time__month = 2015-12-01"])
    assert sum(shares.values()) == pytest.approx(months["2015-12-01"])


def test_an_account_without_news_keeps_its_balance(
    built: Workspace, definitions: Definitions
) -> None:
    ((account, cash),) = built.warehouse.query(
        "select account_id, cash from marts.fct_cash_balances join marts.dim_account using (sk_account_id)"
        " where sk_date_id < 20140101"
        " qualify row_number() over (partition by account_id order by sk_date_id desc) = 1 and account_id not in"
        " (select account_id from marts.fct_cash_balances join marts.dim_account using (sk_account_id)"
        "  where sk_date_id between 20140101 and 20140131)"
        " order by abs(cash) desc limit 1"
    )
    found = query_metrics(
        built.warehouse,
        ["cash_balance"],
        ["account__account_id", "metric_time__month"],
        where=[f"account__account_id = {account}", "metric_time__month in 2013-12-01, 2014-01-01"],
        order=["metric_time__month"],
        definitions=definitions,
    )
    assert [row[-1] for row in found.rows] == [cash, cash]


def test_rows_come_in_the_order_and_number_asked_for(
    built: Workspace, definitions: Definitions
) -> None:
    def ask(**options: object) -> list[tuple[object, ...]]:
        found = query_metrics(
            built.warehouse,
            ["trades_completed", "clients"],
            ["metric_time__year", "customer__tier"],
            where=["customer__tier in 1, 2", "metric_time__year >= 2015-01-01"],
            order=["-metric_time__year", "customer__tier"],
            definitions=definitions,
            **options,  # type: ignore[arg-type]
        )
        assert found.columns == (
            "metric_time__year",
            "customer__tier",
            "trades_completed",
            "clients",
        )
        return [(str(row[0]), row[1]) for row in found.rows]

    years = ("2017-01-01", "2016-01-01", "2015-01-01")
    assert ask() == [(year, tier) for year in years for tier in (1, 2)]
    assert ask(limit=3) == ask()[:3]
    assert ask(limit=0) == []


@pytest.mark.parametrize(
    "branch", ["O'Hara", "'; drop schema marts; --", "x' or '1'='1", 'a "b" \\', "%(x)s {0} $1"]
)
def test_a_value_is_only_a_value(branch: str, built: Workspace, definitions: Definitions) -> None:
    found = query_metrics(
        built.warehouse,
        ["trades_completed"],
        ["broker__branch"],
        where=[f"broker__branch = {branch}"],
        definitions=definitions,
    )
    assert found.rows == []


def run(built: Workspace, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.metrics", *arguments],
        cwd=ROOT,
        env=os.environ | built.environment | variables,
        capture_output=True,
        text=True,
    )


def test_the_command_prints_what_the_function_returns(
    built: Workspace, definitions: Definitions
) -> None:
    question = (
        "clients",
        "revenue_per_client",
        "--by",
        "customer__tier",
        "--order",
        "customer__tier",
    )
    done = run(built, *question, "--where", "customer__tier in 1, 2", "--csv")
    found = query_metrics(
        built.warehouse,
        ["clients", "revenue_per_client"],
        ["customer__tier"],
        ["customer__tier in 1, 2"],
        ["customer__tier"],
        definitions=definitions,
    )
    lines = [",".join(map(str, row)) for row in (found.columns, *found.rows)]
    assert (done.returncode, done.stdout.splitlines()) == (0, lines), done.stderr
    assert len(lines) == 3


def test_the_command_says_in_one_line_what_is_wrong(built: Workspace, tmp_path: Path) -> None:
    done = run(built, "clients", WAREHOUSE=str(tmp_path / "none.duckdb"))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"metrics: .*none\.duckdb: no such warehouse.*\n", done.stderr)


def test_the_page_has_every_metric(definitions: Definitions) -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert lines == [
        f"| `{metric.name}` | {metric.unit} | {metric.additive_over} | {metric.owner} | {metric.description} |"
        for metric in definitions.metrics.values()
    ]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, without what was built."""
    folder = tmp_path / "project"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "data", "target", "logs", "scratch", ".*cache"
    )
    shutil.copytree(ROOT, folder, symlinks=True, ignore=ignored)
    return folder


def run_in(project: Path, built: Workspace, *command: str) -> None:
    """Run a command there, on the warehouse that is built; its target folder is its own."""
    done = subprocess.run(
        [Path(sys.executable).with_name(command[0]), *command[1:]],
        cwd=project,
        env=os.environ | built.environment | {"DBT_TARGET_PATH": "target"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_recipe_adds_a_metric(project: Path, built: Workspace) -> None:
    files = re.findall(
        r"^   `([\w./]+)`\n\n   ```\w+\n(.*?)^   ```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(files) == 2
    for name, content in files:
        assert not (project / name).exists()
        (project / name).write_text(textwrap.dedent(content))
    run_in(project, built, "dbt", "parse", "--quiet")
    run_in(project, built, "python", "-m", "scripts.check_project")
    definitions = Definitions(project / "target" / MANIFEST)
    questions = [
        Question(*ast.literal_eval(f"({arguments},)"), folder=project / "tests/python/metrics")
        for arguments in re.findall(r"^       Question\((.*)\),$", PAGE.read_text(), re.MULTILINE)
    ]
    assert len(questions) == 2
    for question in questions:
        found = answer(question, built.warehouse, definitions)
        assert found
        assert differences(found, expected(question, built.warehouse)) == []


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["built", "published_on_postgres"])
def test_mf_gives_the_same_on_both_engines(
    project: Path,
    built: Workspace,
    definitions: Definitions,
    tmp_path: Path,
    engine: str,
    request: pytest.FixtureRequest,
) -> None:
    workspace = request.getfixturevalue(engine)
    answer_file = tmp_path / "answer.csv"
    run_in(project, workspace, "dbt", "parse", "--quiet")
    run_in(
        project,
        workspace,
        *("mf", "query", "--metrics", "assets_under_custody,clients"),
        *("--group-by", "metric_time__year", "--order", "metric_time__year"),
        *("--csv", str(answer_file)),
    )
    found = query_metrics(
        built.warehouse,
        ["assets_under_custody", "clients"],
        ["metric_time__year"],
        order=["metric_time__year"],
        definitions=definitions,
    )
    lines = [line.split(",") for line in answer_file.read_text().splitlines()[1:]]
    assert [(line[0][:10], float(line[1]), int(line[2])) for line in lines] == [
        (str(year), pytest.approx(float(assets)), clients) for year, assets, clients in found.rows
    ]
