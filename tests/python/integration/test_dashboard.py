"""The pages of the dashboard, without a browser: their numbers equal SQL, filters are in the address, masks hold, and whatever happens to versions is survived."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from scripts.publish.manifest import Manifest
from scripts.publish.versions import Versions
from scripts.serve.dashboard import data as dashboard_data
from scripts.serve.dashboard.data import Data, statement_of
from scripts.serve.dashboard.exposures import shown_exposures
from scripts.serve.dashboard.layout import MOST_ROWS, SHOWN_ROWS, as_csv
from scripts.serve.sessions import NotAllowedError, VersionGoneError
from scripts.warehouse.workspace import ROOT, Workspace

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]

PAGES = [exposure.name for exposure in shown_exposures()]
SECONDS = 120


@pytest.fixture(autouse=True)
def keep_main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit puts the script of a page in its place, and processes that other tests start would run that."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="module")
def folder(published_workspace: Workspace) -> Iterator[Path]:
    """Where the versions are; the dashboards of this process read them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name, value in published_workspace.environment.items():
            patch.setenv(name, value)
        dashboard_data.close()
        yield Path(published_workspace.environment["PUBLISHED"])
        dashboard_data.close()


@pytest.fixture
def own_folder(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for the versions of one test; there is none yet."""
    monkeypatch.setenv("PUBLISHED", str(tmp_path))
    dashboard_data.close()
    yield tmp_path
    dashboard_data.close()


def _script(page: str, role: str) -> None:
    """What Streamlit runs for a page; it is taken out of this file, so it imports what it needs."""
    from scripts.serve.dashboard.exposures import shown_exposures
    from scripts.serve.dashboard.pages import show_page

    (exposure,) = [found for found in shown_exposures() if found.name == page]
    show_page(exposure, role)


def opened(page: str, role: str = "analyst", **filters: Any) -> AppTest:
    """A page as a reader finds it under an address."""
    app = AppTest.from_function(_script, args=(page, role), default_timeout=SECONDS)
    for name, value in filters.items():
        app.query_params[name] = str(value)
    app.run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def figures(app: AppTest) -> dict[str, str]:
    """The key figures of a page, by what they are called."""
    return {metric.label: metric.value for metric in app.metric}


def exact(app: AppTest, label: str) -> float:
    """A key figure with all its digits, from its explanation."""
    (found,) = [metric.proto.help for metric in app.metric if metric.label == label]
    return float(found.rpartition("\n")[2].split()[0].replace(",", ""))


def sql(statement: str) -> Any:
    """The one value of a statement, asked of what is published without any of our code in between."""
    with dashboard_data.published().opened("analyst") as session:
        ((value,),) = session.query(statement)
    return value


def texts(app: AppTest) -> str:
    kinds = (
        app.title,
        app.markdown,
        app.caption,
        app.info,
        app.error,
        app.warning,
        app.text,
        app.subheader,
    )
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def publish_again(folder: Path, source: Path, number: int) -> str:
    """Publish the rows of a version once more, as one of another name; returns it."""
    manifest = Manifest.read(source)
    assert manifest
    versions = Versions(folder)
    at = manifest.published_at + timedelta(minutes=number)
    name = f"batch-{number:04d}-{at:%Y%m%dT%H%M%SZ}"
    with versions.locked(), versions.new(name) as new:
        for path in source.glob("*.duckdb"):
            shutil.copy(path, new)
        previous = versions.current_name()
        replace(manifest, version=name, previous=previous, batch_id=number, published_at=at).write(
            new
        )
    return name


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_as_of_when_it_is_and_that_the_audit_is_ok(folder: Path, page: str) -> None:
    app = opened(page)
    manifest = Versions(folder).current()
    assert manifest
    shown = texts(app)
    assert "As of **batch 3**, published " in shown
    assert f"{manifest.published_at:%H:%M} UTC" in shown
    checks = sql("select count(*) from quality.audit_results")
    assert f"audit OK, {checks} checks" in shown
    assert len(app.error) == len(app.warning) == 0


def test_key_figures_of_branches_equal_sql(folder: Path) -> None:
    app = opened("branch_review", **{"from": "Jan 2016", "to": "Jun 2016"})
    closed = (
        " from marts.dim_trade inner join marts.dim_date on sk_close_date_id = sk_date_id"
        " where date_value between '2016-01-01' and '2016-06-30'"
    )
    revenue = sql(f"select sum(coalesce(fee, 0) + coalesce(commission, 0)) {closed}")
    assert exact(app, "Trading revenue") == pytest.approx(float(revenue))
    completed = sql(f"select count(*) {closed} and status = 'Completed'")
    assert exact(app, "Trades completed") == completed > 0
    notional = sql(f"select sum(quantity * trade_price) {closed} and status = 'Completed'")
    assert exact(app, "Notional traded") == pytest.approx(float(notional))


def test_a_filter_in_the_address_narrows_figures_and_rows(folder: Path) -> None:
    branch = sql(
        "select branch from marts.rpt_broker_performance where branch is not null"
        " group by 1 order by sum(completed_trade_count) desc, 1 limit 1"
    )
    app = opened("branch_review", branch=branch, **{"from": "Jul 2012"})
    quoted = branch.replace("'", "''")
    expected = sql(
        "select sum(completed_trade_count) from marts.rpt_broker_performance"
        f" where branch = '{quoted}'"
    )
    assert exact(app, "Trades completed") == expected
    (table,) = app.dataframe
    assert set(table.value["branch"]) == {branch}
    assert table.value["completed_trade_count"].sum() == expected


def test_a_filter_changes_the_figures_and_all_is_all_again(folder: Path) -> None:
    app = opened("data_quality_review")
    rows = "select sum(rows_read) from quality.load_log where status = 'loaded'"
    everything = sql(rows)
    assert exact(app, "Rows read") == everything
    app.selectbox(key="batch").set_value("2").run()
    assert exact(app, "Rows read") == sql(f"{rows} and batch_id = 2") < everything
    app.selectbox(key="batch").set_value("").run()
    assert exact(app, "Rows read") == everything
    assert exact(opened("data_quality_review", batch="Batch 3"), "Rows read") == sql(
        f"{rows} and batch_id = 3"
    )


def test_key_figures_of_portfolios_equal_sql(folder: Path) -> None:
    app = opened("portfolio_review")
    cash = sql(
        "select sum(cash) from (select cash, row_number() over (partition by account_id order by sk_date_id desc) as n"
        " from marts.fct_cash_balances inner join marts.dim_account using (sk_account_id)) where n = 1"
    )
    assert exact(app, "Cash balance") == pytest.approx(float(cash))
    day = sql("select max(date_value) from marts.rpt_daily_positions")
    (table,) = app.dataframe
    held = f"from marts.rpt_daily_positions where date_value = '{day}'"
    assert len(table.value) == sql(f"select count(*) {held}")
    assert table.value["market_amount"].sum() == pytest.approx(
        float(sql(f"select sum(market_amount) {held}"))
    )


def test_positions_of_one_account_are_those_of_that_account(folder: Path) -> None:
    account = sql(
        "select account_id from marts.rpt_daily_positions order by date_value desc, account_id limit 1"
    )
    app = opened("portfolio_review", account=account)
    assert set(app.dataframe[0].value["account_id"]) == {account}
    assert len(app.dataframe[0].value) < len(opened("portfolio_review").dataframe[0].value)


def test_key_figures_of_surveillance_equal_sql(folder: Path) -> None:
    app = opened("trade_surveillance", **{"from": "Jul 2012"})
    closed = sql("select count(*) from marts.dim_trade where status in ('Completed', 'Canceled')")
    canceled = sql(
        "select count(*) from marts.dim_trade where status = 'Canceled' and sk_close_date_id is not null"
    )
    assert exact(app, "Trades closed") == closed
    assert figures(app)["Cancellation rate"] == f"{canceled / closed * 100:,.1f} %"
    days = app.dataframe[0].value
    assert list(days["market_share"].dropna()) == sorted(
        days["market_share"].dropna(), reverse=True
    )
    assert len(days) == SHOWN_ROWS
    assert f"the file has the first {MOST_ROWS:,}." in texts(app)


def test_a_day_of_surveillance_leads_to_its_trades(folder: Path) -> None:
    app = opened("trade_surveillance", **{"from": "Jul 2012"})
    first = app.dataframe[0].value.iloc[0]
    app = opened(
        "trade_surveillance",
        **{"from": "Jul 2012"},
        symbol=first["symbol"],
        day=first["date_value"],
        rows="Single trades",
    )
    assert (
        len(app.dataframe[0].value)
        == first["completed_trade_count"] + first["canceled_trade_count"]
    )
    assert set(app.dataframe[0].value["symbol"]) == {first["symbol"]}


def test_a_campaign_reaches_the_prospects_with_the_tag(folder: Path) -> None:
    app = opened("prospect_campaigns", tag="Boomer", customers="true")
    expected = sql(
        "select count(*) from marts.rpt_prospect_nameplates where nameplate = 'Boomer' and is_listed"
    )
    assert figures(app)["In this campaign"] == f"{expected:,}"
    assert len(app.dataframe[0].value) == expected
    assert figures(app)["Prospects"] == f"{sql('select count(*) from marts.prospects'):,}"


def test_a_client_is_found_by_number(folder: Path) -> None:
    customer = sql(
        "select customer_id from marts.rpt_customer_360 order by open_trade_count desc, customer_id limit 1"
    )
    app = opened("client_service_desk", customer=customer)
    own = f"from marts.rpt_customer_360 where customer_id = {customer}"
    assert figures(app)["Open trades"] == str(sql(f"select open_trade_count {own}"))
    assert exact(app, "Cash") == float(sql(f"select cash_amount {own}"))
    assert len(app.dataframe[0].value) == sql(f"select account_count {own}")
    assert "There is no customer 999999999" in texts(
        opened("client_service_desk", customer=999999999)
    )


def test_the_pipeline_shows_the_last_arrival_of_each_feed(folder: Path) -> None:
    app = opened("pipeline")
    feeds = sql(
        "select count(distinct system || feed) from operations.fct_feed_arrivals where file_count > 0 or has_failed"
    )
    assert len(app.dataframe[0].value) == feeds
    assert figures(app)["Runs recorded"] == str(
        sql(
            "select coalesce(cast(sum(run_count) as varchar), '-') from operations.rpt_pipeline_health"
        )
    )


@pytest.mark.parametrize("view", ["Runs", "Health by day", "Slow models", "Quarantine", "Tests"])
def test_each_view_of_the_pipeline_has_rows_or_says_that_there_are_none(
    folder: Path, view: str
) -> None:
    app = opened("pipeline", rows=view)
    assert len(app.dataframe) == 1 or "No " in texts(app)


@pytest.mark.parametrize("view", ["Alerts", "Quarantined", "Rejected", "Files"])
def test_each_view_of_quality_has_the_rows_of_its_table(folder: Path, view: str) -> None:
    tables = {
        "Alerts": "di_messages where message_type in ('Alert', 'Finding')",
        "Quarantined": "quarantined_rows",
        "Rejected": "rejected_rows",
        "Files": "load_log",
    }
    count = sql(f"select count(*) from quality.{tables[view]}")
    app = opened("data_quality_review", rows=view)
    assert sum(len(table.value) for table in app.dataframe) == count
    assert bool(app.dataframe) == bool(count)


MODEL_ROWS = """
    insert into operations.fct_model_promotions by name
    select * from (values
        ('attrition', timestamp '2026-11-01 05:00', 'challenger', 1, null, 'ann', 0.81, false),
        ('attrition', timestamp '2026-11-01 05:01', 'champion', 1, null, 'ann', 0.81, true),
        ('attrition', timestamp '2026-11-30 05:00', 'challenger', 2, 1, 'ann', 0.82, true),
        ('churn', timestamp '2026-11-02 05:00', 'challenger', 1, null, 'bob', 0.55, true)
    ) as promotions (model_name, promoted_at, model_role, model_version, previous_version, user_name, area, is_current)
    cross join (select 'a-run' as run_id, 'a reason' as reason, 'logistic' as model_kind, date '2015-12-31' as learned_until,
        0.75 as area_low, 0.85 as area_high, 0.002 as chance, 1000 as example_count);
    insert into operations.fct_model_outcomes by name
    select * from (values
        ('first', 'champion', 1, date '2016-12-31', 10.4, 9, 0.7),
        ('second', 'champion', 1, date '2016-12-31', 10.5, 9, 0.8),
        ('second', 'champion', 1, date '2017-03-31', 12.5, 14, 0.79),
        ('second', 'challenger', 2, date '2017-03-31', 12.1, 14, 0.83),
        ('second', 'challenger', 9, date '2016-12-31', 12.1, 14, 0.83)
    ) as outcomes (run_id, model_role, model_version, as_of_date, expected_count, happened_count, area)
    cross join (select 'attrition' as model_name, 'batch-0003' as published_version, 3 as published_batch_id, 1000 as example_count);
    update operations.fct_model_outcomes set checked_at = case when run_id = 'first' then timestamp '2026-11-29' else timestamp '2026-11-30' end;
    insert into operations.fct_model_checks by name
    select * from (values
        ('first', timestamp '2026-11-29', 'input_drift', 'tier', 0.4, 0.1, 0.25, 'act'),
        ('second', timestamp '2026-11-30', 'input_drift', 'tier', 0.3, 0.1, 0.25, 'act'),
        ('second', timestamp '2026-11-30', 'input_drift', 'age_years', 0.12, 0.1, 0.25, 'watch'),
        ('second', timestamp '2026-11-30', 'score_drift', 'probability', 0.05, 0.1, 0.25, 'ok'),
        ('second', timestamp '2026-11-30', 'age_days', 'model', 99, 365, 730, 'ok')
    ) as checks (run_id, checked_at, check_name, subject, found_value, watch_from, act_from, state)
    cross join (select 'attrition' as model_name, 1 as model_version, 'batch-0003' as published_version, 3 as published_batch_id);
"""


def test_the_page_of_a_model_has_the_figures_of_its_tables(folder: Path, own_folder: Path) -> None:
    name = publish_again(own_folder, folder / "current", 3)
    for file in (own_folder / name).glob("*.duckdb"):
        with duckdb.connect(str(file)) as connection:
            connection.execute(MODEL_ROWS)
    app = opened("model_review")
    shown = figures(app)
    assert (shown["Champion"], shown["Challenger"]) == ("version 1", "version 2")
    assert (shown["AUC on hold-out"], shown["Largest input drift"]) == ("0.810", "0.300")
    assert (shown["Happened lately"], shown["Expected"]) == ("23", "23")
    assert (shown["Checks to act upon"], shown["Age in days"]) == ("1", "99")
    assert (shown["Score drift"], shown["Slow answers, seconds"]) == ("0.050", "-")
    checks = app.dataframe[0].value
    assert list(checks["subject"]) == ["tier", "age_years", "probability", "model"]
    outcomes = opened("model_review", rows="Outcomes").dataframe[0].value
    assert list(outcomes["model_role"]) == ["challenger", "champion", "champion"]
    assert list(outcomes["area"]) == pytest.approx([0.83, 0.79, 0.8])
    compared = opened("model_review", rows="Comparisons").dataframe[0].value
    assert list(compared["failed_check_count"]) == [1, 1]
    assert len(opened("model_review", rows="Promotions").dataframe[0].value) == 3
    other = opened("model_review", model="churn", rows="Promotions")
    assert (figures(other)["Champion"], figures(other)["Challenger"]) == ("none", "version 1")
    assert "No version was compared yet" in texts(other)


NAMES = {
    "prospect_campaigns/prospects": {
        "nameplate": None,
        "state": None,
        "only_listed": False,
        "with_customers": True,
    },
    "client_service_desk/customer": {"customer_id": 1},
}


@pytest.mark.parametrize("name", NAMES)
def test_personal_columns_are_masked_in_rows_and_files_unless_the_role_may_see_them(
    folder: Path, name: str
) -> None:
    values = NAMES[name]
    if "most_rows" in statement_of(name).values:
        values = values | {"most_rows": 50}
    analyst, auditor = (Data.current(role).rows(name, **values) for role in ("analyst", "auditor"))
    assert analyst.num_rows == auditor.num_rows > 0
    for column in ("last_name", "first_name", "city", "address_line1"):
        assert analyst[column].null_count == analyst.num_rows
        assert auditor[column].null_count < auditor.num_rows
        seen = next(value for value in auditor[column].to_pylist() if value)
        assert seen.encode() in as_csv(auditor)
        assert seen.encode() not in as_csv(analyst)
    hidden = Data.current("analyst").hidden_columns(name)
    assert {"last_name", "first_name"} <= set(hidden)
    assert Data.current("auditor").hidden_columns(name) == []


def test_the_page_says_what_is_hidden_and_shows_it_to_an_auditor(folder: Path) -> None:
    customer = sql("select customer_id from marts.rpt_customer_360 order by customer_id limit 1")
    hidden = "Hidden from the role analyst: "
    assert hidden in texts(opened("client_service_desk", customer=customer))
    seen = texts(opened("client_service_desk", "auditor", customer=customer))
    assert "Hidden from" not in seen
    row = Data.current("auditor").row("client_service_desk/customer", customer_id=customer)
    assert row
    assert row["last_name"] in seen


def test_each_question_finds_what_its_role_may_see_and_nothing_else(folder: Path) -> None:
    """An application may not read quality and operations: not here either."""
    with pytest.raises(NotAllowedError):
        Data.current("application").rows("data_quality_review/alerts", batch_id=None)
    with pytest.raises(NotAllowedError):
        Data.current("nobody").rows("common/months")


@pytest.mark.parametrize(
    ("page", "filters"),
    [
        ("portfolio_review", {"account": "' or 1=1 --"}),
        ("portfolio_review", {"account": "9" * 40}),
        ("portfolio_review", {"month": "1066-10-14", "tier": "{{ 1 }}"}),
        ("branch_review", {"branch": "'); drop table marts.dim_trade; --"}),
        ("branch_review", {"from": "Jul 2017", "to": "Jul 2012"}),
        ("trade_surveillance", {"rows": "Single trades", "day": "yesterday"}),
        ("trade_surveillance", {"symbol": "nobody", "rows": "nothing"}),
        ("prospect_campaigns", {"listed": "perhaps", "state": "'"}),
        ("client_service_desk", {"customer": "\u0663"}),
        ("portfolio_review", {"account": "![x](http://127.0.0.1:1/x.png)"}),
        ("data_quality_review", {"batch": "-1"}),
    ],
)
def test_nonsense_in_the_address_is_ignored_or_named(
    folder: Path, page: str, filters: dict[str, str]
) -> None:
    app = opened(page, **filters)
    assert len(app.error) == 0
    assert "As of **batch 3**" in texts(app)


def test_what_is_no_number_is_named(folder: Path) -> None:
    assert "abc is not a whole number" in texts(opened("portfolio_review", account="abc"))
    day = opened("trade_surveillance", rows="Single trades", day="31.12.2016")
    assert r"31\.12\.2016 is not a day" in texts(day)


def test_before_the_first_version_the_page_says_what_to_do(folder: Path, own_folder: Path) -> None:
    app = opened("branch_review")
    assert "Nothing is published yet: run `make build`" in texts(app)
    publish_again(own_folder, folder / "current", 1)
    app.button[0].click().run()
    assert "As of **batch 1**" in texts(app)


def test_pages_stay_up_through_ten_publications_and_show_each_at_the_next_interaction(
    folder: Path, own_folder: Path
) -> None:
    publish_again(own_folder, folder / "current", 1)
    apps = [opened("client_service_desk"), opened("pipeline")]
    for number in range(2, 12):
        publish_again(own_folder, folder / "current", number)
        with Versions(own_folder).locked():
            Versions(own_folder).remove_old(1)
        for app in apps:
            app.run()
            assert not app.exception
            assert f"As of **batch {number}**" in texts(app)


def test_who_looks_at_an_older_version_is_told(folder: Path, own_folder: Path) -> None:
    publish_again(own_folder, folder / "current", 1)
    data = Data.current("analyst")
    assert data.is_current()
    publish_again(own_folder, folder / "current", 2)
    assert not data.is_current()


def test_a_version_that_is_removed_while_its_page_is_made_gives_way_to_the_next(
    folder: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish_again(own_folder, folder / "current", 1)
    stale = Data.current("analyst")
    publish_again(own_folder, folder / "current", 2)
    shutil.rmtree(own_folder / first)
    dashboard_data.close()
    stale = replace(stale, published=dashboard_data.published())
    with pytest.raises(VersionGoneError):
        stale.rows("common/months")
    current, first_time = Data.current, iter([stale])
    monkeypatch.setattr(Data, "current", lambda role: next(first_time, None) or current(role))
    assert "As of **batch 2**" in texts(opened("pipeline"))


def test_a_version_that_cannot_be_read_is_an_error_that_says_so(
    folder: Path, own_folder: Path
) -> None:
    name = publish_again(own_folder, folder / "current", 1)
    file = own_folder / name / "analyst.duckdb"
    file.chmod(0o644)
    file.write_bytes(b"no database" * 1000)
    app = opened("branch_review")
    assert "This cannot be shown now" in texts(app)
    assert "cannot be opened" in texts(app)
    good = publish_again(own_folder, folder / "current", 2)
    app.button[0].click().run()
    assert "As of **batch 2**" in texts(app), good


def test_the_same_question_about_a_version_is_asked_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened("pipeline")
    monkeypatch.setattr(type(dashboard_data.published()), "opened", None)
    assert "As of **batch 3**" in texts(opened("pipeline"))
