"""The life of a model on a warehouse that is published: train, promote, score, land, ask, watch; and sets for data scientists."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from scripts.learn.__main__ import LIMITS, app
from scripts.learn.examples import Examples
from scripts.learn.promotion import MOST_CHANCE
from scripts.learn.question import Question, matrix, question_of
from scripts.learn.registry import CHAMPION, Registry
from scripts.learn.training import train
from scripts.load.run import LoadOptions, load
from scripts.serve.api.app import create_app
from scripts.serve.api.audit import FOLDER, AuditLog, infer_path, seconds_of
from scripts.serve.api.keys import KeyStore, new_key
from scripts.serve.api.service import Service
from scripts.serve.declarations import Declarations
from scripts.serve.published import open_published
from scripts.warehouse.clock import utc_now
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse
from scripts.warehouse.workspace import ROOT, Workspace
from tests.python.learning import SOURCE

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("built")]


@dataclass
class Learner:
    """Commands, in the environment of programs that read what is published."""

    workspace: Workspace
    folder: Path

    def run(self, *arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments])
        assert done.exit_code == code, done.output
        return done.output


@pytest.fixture(scope="module")
def learner(
    published_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Learner]:
    folder = tmp_path_factory.mktemp("learn")
    # What lands is not for the others who read the same lake.
    lake = folder / "lake"
    shutil.copytree(published_workspace.lake, lake, copy_function=_linked)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        places = {
            "MODELS": str(folder / "models"),
            "SCORES": str(folder / "scores"),
            "RUNS": str(folder / "runs"),
        }
        for name, value in (published_workspace.environment | places).items():
            patch.setenv(name, value)
        learner = Learner(published_workspace, folder)
        assert "version 1" in learner.run("train")
        learner.run("promote", "--force", "the samples have no signal")
        learner.run("score")
        yield learner


def _linked(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _scores(learner: Learner, role: str = "champion") -> Path:
    (file,) = (learner.folder / "scores").rglob(f"scores-attrition-{role}.parquet")
    return file


def test_training_again_on_the_same_data_is_the_same_version(learner: Learner) -> None:
    assert "version 1 (the same training as before)" in learner.run("train")
    assert "there is no challenger; the champion stays" in learner.run("promote")


def test_the_log_tells_who_was_promoted_and_why(learner: Learner) -> None:
    shown = learner.run("show")
    assert "champion: version 1 after None" in shown
    assert "forced: the samples have no signal" in shown


def test_in_the_samples_nothing_is_found_that_chance_would_not_find(learner: Learner) -> None:
    """Who leaves was drawn by lot there."""
    figures = json.loads(learner.run("evaluate", "--version", "1", "--json"))
    assert figures["chance"] > MOST_CHANCE
    assert figures["area"] < figures["area_by_chance_upper"]


def test_scoring_again_changes_nothing(learner: Learner) -> None:
    before = _scores(learner).read_bytes()
    assert "unchanged" in learner.run("score")
    assert _scores(learner).read_bytes() == before


def test_every_customer_is_answered_online_as_it_was_scored(learner: Learner) -> None:
    scores = pq.read_table(_scores(learner))
    said = dict(
        zip(
            scores.column("customer_id").to_pylist(),
            map(float, scores.column("probability").to_pylist()),
            strict=True,
        )
    )
    assert len(said) > 200
    with Api(learner) as (client, headers):
        for customers in np.array_split(np.array(list(said)), 7):
            answer = client.post(
                "/v1/models/attrition/infer",
                json=_asked(customers.tolist()),
                headers=headers["analyst"],
            )
            assert answer.status_code == 200, answer.text
            found = {each["name"]: each["data"] for each in answer.json()["outputs"]}
            assert found["customer_id"] == customers.tolist()
            for customer, probability in zip(customers.tolist(), found["probability"], strict=True):
                assert abs(probability - said[customer]) <= 1e-6
    # The log tells by model how long answers take.
    since = utc_now() - timedelta(hours=1)
    taken = seconds_of(learner.folder / "runs" / FOLDER, infer_path("attrition"), since)
    assert len(taken) == 7 and all(seconds > 0 for seconds in taken)
    assert seconds_of(learner.folder / "runs" / FOLDER, infer_path("other"), since) == []
    assert seconds_of(learner.folder / "nowhere", infer_path("attrition"), since) == []


def _asked(customers: list[int]) -> dict[str, object]:
    tensor = {
        "name": "customer_id",
        "datatype": "INT64",
        "shape": [len(customers)],
        "data": customers,
    }
    return {"id": "a request", "inputs": [tensor]}


class Api:
    """A server in this process, and a key for each role."""

    def __init__(self, learner: Learner) -> None:
        keys = KeyStore(learner.folder / "keys.json")
        self.headers = {}
        for role in ("analyst", "application"):
            text, key = new_key(role, role, timedelta(days=1))
            keys.add_own(key)
            self.headers[role] = {"Authorization": f"Bearer {text}"}
        # In one process, a file is opened with one configuration.
        published = open_published(
            declarations=Declarations.of_file(learner.workspace.target / "manifest.json"),
            limits=LIMITS,
        )
        service = Service(published, keys, AuditLog(learner.folder / "runs" / FOLDER))
        self.client = TestClient(create_app(service), raise_server_exceptions=False)

    def __enter__(self) -> tuple[TestClient, dict[str, dict[str, str]]]:
        self.client.__enter__()
        return self.client, self.headers

    def __exit__(self, *error: object) -> None:
        self.client.__exit__(*error)


def test_prospects_are_scored_and_answered_by_the_same_machinery(learner: Learner) -> None:
    """The sample has too few days to learn from, so the model has learned from prospects that were made up."""
    declarations = Declarations.of_file(learner.workspace.target / "manifest.json")
    question = question_of("conversion", declarations)
    assert "no rows" in learner.run("train", "--model", "conversion", code=2)
    registry = Registry(learner.folder / "models")
    registry.add(train(question, made_up(question), SOURCE))
    registry.assign("conversion", CHAMPION, 1, "for this test")
    learner.run("score", "--model", "conversion")
    (file,) = (learner.folder / "scores").rglob("scores-conversion-champion.parquet")
    scored = pq.read_table(file)
    assert scored.column("customer_id").null_count == len(scored) > 500
    said = dict(
        zip(
            scored.column("agency_id").to_pylist(),
            map(float, scored.column("probability").to_pylist()),
            strict=True,
        )
    )
    with Api(learner) as (client, headers):
        address = "/v1/models/conversion/infer"
        keys = [*said][:700]
        tensor = {"name": "agency_id", "datatype": "BYTES", "shape": [700], "data": keys}
        answer = client.post(address, json={"inputs": [tensor]}, headers=headers["analyst"])
        assert answer.status_code == 200, answer.text
        found = {each["name"]: each["data"] for each in answer.json()["outputs"]}
        assert found.keys() == {"agency_id", "probability", "is_worth_a_contact"}
        assert found["agency_id"] == keys
        for key, probability in zip(keys, found["probability"], strict=True):
            assert abs(probability - said[key]) <= 1e-6
        wrong = [
            ({**tensor, "data": [7], "shape": [1]}, "not a flat list of texts"),
            ({**tensor, "data": ["a\0"], "shape": [1]}, "not a flat list of texts"),
            ({**tensor, "data": ["nobody"], "shape": [1]}, "not on the list, or a customer"),
            (_asked([1])["inputs"][0], "the tensor is not agency_id of datatype BYTES"),
        ]
        for content, detail in wrong:
            refused = client.post(address, json={"inputs": [content]}, headers=headers["analyst"])
            assert (refused.status_code, detail in refused.json()["detail"]) == (400, True)


def made_up(question: Question) -> Examples:
    """Prospects on eight dates, of whom those with the first tag convert more often."""
    random = np.random.default_rng(3)
    rows = 8 * 200
    columns = tuple(random.integers(0, 2, rows).astype(np.float64) for _ in question.features)
    days = np.datetime64("2017-07-09") + 7 * np.arange(8)
    return Examples(
        ids=np.array([f"Abc{number}" for number in np.tile(np.arange(200), 8)]),
        dates=np.repeat(days, 200),
        columns=columns,
        inputs=matrix(columns, question.features),
        alike=np.zeros(rows),
        outcomes=random.random(rows) < 0.05 + 0.2 * columns[2],
    )


def test_what_cannot_be_asked_is_refused_with_what_to_do(learner: Learner) -> None:
    wrong = [
        (_asked([999_999_999]), "not active, or without an open account"),
        (_asked([]), "0 customers were asked about"),
        ({**_asked([1]), "id": 7}, "`id` is no text"),
        ({"inputs": [{**_asked([1])["inputs"][0], "shape": [2]}]}, "`shape` is not [1]"),
        ({"inputs": [{**_asked([1])["inputs"][0], "data": ["1"]}]}, "not a flat list"),
        ({"inputs": [{**_asked([1])["inputs"][0], "datatype": "FP64"}]}, "datatype INT64"),
        ({"inputs": []}, "not a list of one tensor"),
        ([], "not a list of one tensor"),
    ]
    with Api(learner) as (client, headers):
        address = "/v1/models/attrition/infer"
        for content, detail in wrong:
            answer = client.post(address, json=content, headers=headers["analyst"])
            assert answer.status_code == 400, answer.text
            assert detail in answer.json()["detail"]
        assert client.post(address, content=b"{", headers=headers["analyst"]).status_code == 400
        huge = client.post(address, content=b" " * 200_000, headers=headers["analyst"])
        assert "ask about fewer customers" in huge.json()["fix"]
        assert client.post(address, json=_asked([1])).status_code == 401
        assert client.get(address, headers=headers["analyst"]).status_code == 405
        refused = client.post(address, json=_asked([1]), headers=headers["application"])
        assert refused.status_code == 403
        missing = client.post("/v1/models/x/infer", json=_asked([1]), headers=headers["analyst"])
        assert missing.status_code == 404
        described = client.get("/v1/models/attrition", headers=headers["analyst"]).json()
        assert described["parameters"]["champion"] == "1"


def test_a_promotion_counts_from_the_next_request_on(learner: Learner) -> None:
    customer = pq.read_table(_scores(learner)).column("customer_id")[0].as_py()
    learner.run("train", "--contact", "30")
    with Api(learner) as (client, headers):

        def version() -> str:
            answer = client.post(
                "/v1/models/attrition/infer", json=_asked([customer]), headers=headers["analyst"]
            )
            return str(answer.json()["model_version"])

        assert version() == "1"
        learner.run("score")
        assert "challenger" in learner.run("show")
        assert _scores(learner, "challenger").exists()
        learner.run("promote", "--force", "try it")
        assert version() == "2"
        learner.run("promote", "--rollback-because", "tried")
        assert version() == "1"
    learner.run("score")
    assert list((learner.folder / "scores").rglob("*challenger*")) == []


def _landed(learner: Learner) -> Path:
    lake = learner.folder / "lake"
    sources = str(learner.workspace.sources)
    assert load(LoadOptions(sources, str(lake), with_apart=True)).failures == []
    return lake


def test_scores_land_and_are_shown_with_reasons(learner: Learner) -> None:
    """By the SQL of the models; the next test builds them."""
    workspace, lake = learner.workspace, _landed(learner)
    folder = workspace.target / "compiled/brokerage_warehouse/models"
    assert isinstance(workspace.warehouse, DuckDBWarehouse)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{workspace.warehouse.file}' as warehouse (read_only)")
        for name, path in (
            ("stg_learn__scores", "staging/learn"),
            ("scores", "ml"),
            ("rpt_customer_attrition", "marts/client_service"),
            ("rpt_prospect_conversion", "marts/marketing"),
        ):
            sql = (
                (folder / path / f"{name}.sql").read_text().replace(str(workspace.lake), str(lake))
            )
            for view, schema in (("stg_learn__scores", "staging"), ("scores", "ml")):
                sql = sql.replace(f'"warehouse"."{schema}"."{view}"', view)
            connection.execute(f"create view {name} as {sql}")
        _check_scores(learner, connection.execute(f"{SHOWN} rpt_customer_attrition").fetchall())
        (file,) = (learner.folder / "scores").rglob("scores-conversion-champion.parquet")
        prospects = "select count(*), min(conversion_rank) from rpt_prospect_conversion"
        assert connection.execute(prospects).fetchall() == [(pq.read_metadata(file).num_rows, 1)]


SHOWN = "select count(*), sum(probability), count(reason_1), min(risk_rank) from"


def _check_scores(learner: Learner, found: list[tuple[Any, ...]]) -> None:
    scored = pq.read_table(_scores(learner))
    ((rows, likely, reasons, first),) = found
    assert rows == len(scored)
    assert float(likely) == pytest.approx(sum(map(float, scored.column("probability").to_pylist())))
    assert first == 1
    assert reasons <= sum(scored.column("is_at_risk").to_pylist())


@pytest.mark.slow
def test_scores_are_built_by_dbt(learner: Learner) -> None:
    folder, workspace = learner.folder, learner.workspace
    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
    assert isinstance(workspace.warehouse, DuckDBWarehouse)
    shutil.copy2(workspace.warehouse.file, warehouse.file)
    places = {
        "LAKE": str(_landed(learner)),
        "WAREHOUSE": str(warehouse.file),
        "DBT_TARGET_PATH": str(folder / "target"),
    }
    models = ("stg_learn__scores", "scores", "rpt_customer_attrition", "rpt_prospect_conversion")
    built = workspace.with_variables(**places).dbt(
        "--log-level", "warn", "build", "--select", *models
    )
    assert built.returncode == 0, built.stdout
    _check_scores(learner, warehouse.query(f"{SHOWN} marts.rpt_customer_attrition"))


def test_a_comparison_is_recorded_and_told(learner: Learner) -> None:
    shown = CliRunner().invoke(app, ["monitor"])
    assert shown.exit_code in (0, 1), shown.output
    assert "input_drift" in shown.output
    files = list((learner.folder / "runs").rglob("model_check-*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert {"input_drift", "missing_share", "score_drift", "age_days"} <= {
        each["check_name"] for each in lines
    }
    assert list((learner.folder / "runs").rglob("model_outcome-*.jsonl"))
    assert list((learner.folder / "runs").rglob("model_promotion-*.jsonl"))


def test_the_same_request_gives_the_same_bytes(learner: Learner) -> None:
    request = ("--until", "2016-06-30", "--sample", "0.5", "--apart", "0.3")
    for name in ("first", "second"):
        learner.run("dataset", str(learner.folder / name), *request)
    files = sorted(path.name for path in (learner.folder / "first").iterdir())
    assert files == [
        "README.md",
        "manifest.json",
        "test.parquet",
        "train.parquet",
        "validation.parquet",
    ]
    for name in files:
        assert (learner.folder / "first" / name).read_bytes() == (
            learner.folder / "second" / name
        ).read_bytes()
    parts = {
        name: pq.read_table(learner.folder / f"first/{name}.parquet") for name in ("train", "test")
    }
    customers = {
        name: set(table.column("customer_id").to_pylist()) for name, table in parts.items()
    }
    assert customers["train"] and customers["test"] and not customers["train"] & customers["test"]
    dates = {name: table.column("as_of_date").to_pylist() for name, table in parts.items()}
    assert max(dates["train"]) < min(dates["test"])


def test_what_cannot_be_done_is_said_in_one_line(learner: Learner) -> None:
    assert "no version 9" in learner.run("evaluate", "--version", "9", code=2)
    assert "name a new folder" in learner.run(
        "dataset", str(learner.folder), "--until", "2016-06-30", code=2
    )
    assert "not a date" in learner.run("dataset", "x", "--until", "yesterday", code=2)


def test_commands_of_the_page_work(learner: Learner) -> None:
    """Those of scripts.learn, in their order, and the line that looks into a set; the others are make targets and programs with tests of their own."""
    page = (ROOT / "docs/learning.md").read_text()
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", page, re.DOTALL))
    commands = re.findall(r"^python -m scripts\.learn (.*)$", blocks, re.MULTILINE)
    assert len(commands) == 9
    place = str(learner.folder / "my_set")
    # So that there is a champion to go back to.
    for version in ("2", "1"):
        learner.run("promote", "--version", version, "--force", "to try it out")
    for command in commands:
        learner.run(*shlex.split(command.replace("my_set", place)))
    (look,) = re.findall(r"^python -c (.*)$", blocks, re.MULTILINE)
    (code,) = shlex.split(look)
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=learner.folder, capture_output=True, text=True
    )
    assert "order_count: double" in shown.stdout, shown.stderr
