"""Exposures, pages and questions fit together; what people see of a column."""

import ast
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from scripts.metrics.definitions import Metric
from scripts.metrics.filters import parse_condition
from scripts.serve.dashboard import layout
from scripts.serve.dashboard.data import equals, statement_of
from scripts.serve.dashboard.exposures import EXPOSURES, exposures, shown_exposures
from scripts.serve.dashboard.layout import as_csv, figure_of, label_of
from scripts.warehouse.settings import ROOT

DASHBOARD = ROOT / "scripts" / "serve" / "dashboard"
PAGES = {path.stem for path in (DASHBOARD / "pages").glob("*.py")} - {"__init__"}
FILES = sorted((DASHBOARD / "questions").glob("*/*.sql"))
DECLARED = {
    declared["name"]: declared for declared in yaml.safe_load(EXPOSURES.read_text())["exposures"]
}


def test_each_dashboard_that_is_declared_has_a_page_and_each_page_is_declared() -> None:
    assert {exposure.name for exposure in exposures() if exposure.kind == "dashboard"} <= PAGES
    assert {exposure.name for exposure in shown_exposures()} == PAGES


def test_the_address_of_a_page_is_that_of_its_exposure() -> None:
    for exposure in shown_exposures():
        assert exposure.url == f"http://127.0.0.1:8501/{exposure.name}"


@pytest.mark.parametrize("page", sorted(PAGES))
def test_an_exposure_depends_on_what_its_page_reads(page: str) -> None:
    """Who changes a table or a metric finds the page in the lineage."""
    depends_on = DECLARED[page]["depends_on"]
    tables = set(re.findall(r"ref\('(\w+)'\)", " ".join(depends_on)))
    metrics = set(re.findall(r"metric\('(\w+)'\)", " ".join(depends_on)))
    read = {
        table.split(".")[1]
        for name in _questions_in(page)
        for table in statement_of(name).tables
        if not name.startswith("common/")
    }
    assert read - tables == set()
    assert _texts(page) & _all_metrics() == metrics


def test_each_question_is_asked_and_each_asked_question_is_there() -> None:
    there = {f"{path.parent.name}/{path.stem}" for path in FILES}
    asked = {name for page in PAGES for name in _questions_in(page)}
    assert asked == there


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_question_says_what_it_finds_and_names_published_tables(path: Path) -> None:
    assert path.read_text().startswith("-- ")
    tables = statement_of(f"{path.parent.name}/{path.stem}").tables
    assert tables
    assert {table.split(".")[0] for table in tables} <= {"marts", "quality", "operations"}


def test_values_of_a_question_become_places_in_their_order() -> None:
    statement = statement_of("trade_surveillance/trades")
    assert statement.sql.count("?") == len(statement.values) == 9
    assert statement.values[:4] == ("first_day", "next_month", "day", "day")
    assert "--" not in statement.sql


@pytest.mark.parametrize(
    "value", ["North", "O'Hare", " padded ", "a, b", "x = 1", "'quoted'", "'", "--", "tier in 1"]
)
def test_a_condition_compares_with_exactly_what_was_chosen(value: str) -> None:
    condition = parse_condition(equals("broker__branch", value))
    assert (condition.name, condition.operator, condition.values) == (
        "broker__branch",
        "=",
        (value,),
    )


@pytest.mark.parametrize(
    ("column", "heading"),
    [
        ("account_id", "Account"),
        ("open_trade_count", "Open trades"),
        ("is_slow", "Slow"),
        ("date_value", "Day"),
        ("market_amount", "Market amount"),
    ],
)
def test_a_column_has_a_heading_in_words(column: str, heading: str) -> None:
    assert label_of(column) == heading


def test_a_file_has_the_exact_values_of_all_rows() -> None:
    rows = pa.table(
        {
            "name": pa.array(["a,b", 'say "hi"', None]),
            "amount": pa.array([Decimal("0.10"), None, Decimal("-12345678901234567.89")]),
            "day": pa.array([date(2017, 7, 8), None, None]),
            "at": pa.array([datetime(2017, 7, 8, 9, 30), None, None]),
        }
    )
    assert as_csv(rows).decode() == (
        "name,amount,day,at\r\n"
        '"a,b",0.10,2017-07-08,2017-07-08 09:30:00\r\n'
        '"say ""hi""",,,\r\n'
        ",-12345678901234567.89,,\r\n"
    )


METRIC = Metric("fees", "Fees", "What is paid.", "simple", "Head", "currency", "everything")
SHARE = Metric("rate", "Rate", "A part.", "ratio", "Head", "share of one", "nothing")


def test_a_key_figure_tells_how_it_differs_from_before() -> None:
    figure = figure_of(METRIC, Decimal("1500000"), Decimal("1000000"), "in a year")
    assert (figure.value, figure.delta) == ("1.5 M", "+50.0 %")
    assert figure.help == "What is paid.\n\n1,500,000 currency"
    assert figure_of(METRIC, -50, -100).delta == "+50.0 %"
    assert figure_of(SHARE, 0.25, 0.2).delta == "+5.0 points"


@pytest.mark.parametrize(("value", "before"), [(None, 5), (5, None), (5, 0)])
def test_what_cannot_be_compared_has_no_difference(value: int | None, before: int | None) -> None:
    figure = figure_of(METRIC, value, before, "in a year")
    assert figure.delta is None
    assert figure.delta_description is None


def test_masked_columns_without_a_value_are_left_out_on_the_screen() -> None:
    rows = pa.table({"name": pa.nulls(2, pa.string()), "dob": [None, "1970"], "city": ["a", "b"]})
    assert layout.without_values(rows, ["name", "dob", "gone"]) == {"name"}


def _texts(page: str) -> set[str]:
    tree = ast.parse((DASHBOARD / "pages" / f"{page}.py").read_text())
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _questions_in(page: str) -> set[str]:
    return {text for text in _texts(page) if re.fullmatch(r"\w+/\w+", text)}


def _all_metrics() -> set[str]:
    declared = [
        metric["name"]
        for path in (ROOT / "models" / "metrics").glob("*.yml")
        for metric in yaml.safe_load(path.read_text()).get("metrics", [])
    ]
    return set(declared)
