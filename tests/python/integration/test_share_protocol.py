"""Delta Sharing: the client of its authors lists, loads and reads changes; a recipient sees what its policy allows, and nothing of others; links outlive a slow reader."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import delta_sharing
import duckdb
import httpx
import pytest
import yaml
from typer.testing import CliRunner

from scripts.history.records import ShareDelivery, read_records
from scripts.metrics.definitions import Definitions
from scripts.publish.versions import Versions
from scripts.serve.api.app import create_app
from scripts.serve.api.audit import AuditLog
from scripts.serve.api.keys import KeyStore
from scripts.serve.api.service import Service
from scripts.serve.duckdb_files import DuckDBPublished
from scripts.serve.metrics import PublishedMetrics
from scripts.serve.sessions import Limits
from scripts.share import dumps, links, offers
from scripts.share.__main__ import app as command
from scripts.share.build import Outcome
from scripts.share.changes import ADDED, CHANGE, DELETED, MODIFIED
from scripts.share.dumps import parquet_relation
from scripts.share.policies import Share
from scripts.share.profiles import ROLE, profile_store
from scripts.share.versions import Revocation, ShareVersions
from scripts.warehouse.workspace import ROOT
from tests.python.serving import running
from tests.python.sharing import (
    TABLE,
    TODAY,
    Row,
    World,
    dump_rows,
    envelope,
    next_day,
    people,
    written,
)

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("share_protocol")]

NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12)
COLUMNS = ["person_id", "region", "tier", "joined_at", "is_active", "fee", "ref"]


def content(recipient: str = "partner") -> dict[str, Any]:
    personal = {"note": {"transformation": "mask", "reason": "The column is expected."}}
    table = {"table": TABLE, "columns": COLUMNS, "personal": personal}
    return envelope({"people": table}, ["parquet"]) | {"recipient": recipient, "retention": 2}


@dataclass
class Market:
    """Two recipients, their shares, and a server.

    Attributes:
        folder: of everything.
        world: what is published.
        address: of the server.
        built: the versions of the first recipient's share, the oldest first.
    """

    folder: Path
    world: World
    address: str = ""
    built: list[Outcome] = field(default_factory=list)

    def share(self, name: str = "people", **changed: Any) -> Share:
        """Write a policy."""
        return written(self.folder / "project" / "shares", content() | changed, name)

    def profile(self, recipient: str = "partner") -> str:
        """A profile file; returns its path."""
        text, _ = profile_store().issue(recipient, ROLE, days=1)
        file = self.folder / f"{recipient}-{text[:12]}.share"
        profile = {
            "shareCredentialsVersion": 1,
            "endpoint": f"{self.address}/delta-sharing",
            "bearerToken": text,
        }
        file.write_text(json.dumps(profile))
        return str(file)

    def client(self, recipient: str = "partner") -> httpx.Client:
        """Somebody with a profile, who speaks HTTP."""
        token = json.loads(Path(self.profile(recipient)).read_text())["bearerToken"]
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(
            base_url=f"{self.address}/delta-sharing", headers=headers, trust_env=False
        )

    def given(self) -> list[ShareDelivery]:
        """What is recorded of downloads."""
        found = read_records(self.folder / "runs", ShareDelivery)
        return [each for each in found if each.action == "download"]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    folder = tmp_path_factory.mktemp("market")
    shutil.copytree(ROOT / "shares", folder / "project" / "shares")
    (folder / "project" / "shares" / "trading_activity.yml").unlink()
    world = World(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "project")
        for name, place in {"RUNS": "runs", "SHARES": "versions", "SHARE_KEYS": "keys"}.items():
            patch.setenv(name, str(folder / place))
        patch.setenv("DBT_TARGET", "duckdb")
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setattr(offers, "utc_now", lambda: NOON)
        patch.setattr(dumps, "ROWS_OF_A_FILE", 60)
        market = Market(folder, world)
        share, other = market.share(), market.share("secret_people", recipient="rival")
        random = Random(2)
        rows = people(random, 200)
        for _ in range(3):
            world.publish(rows)
            market.built.append(world.build(share, shares=folder / "versions"))
            rows = next_day(rows, random)
        world.build(other, shares=folder / "versions")
        with running(create_app(service(folder, world))) as address:
            market.address = address
            yield market


def service(folder: Path, world: World) -> Service:
    published = DuckDBPublished(Versions(world.published), world.declarations, Limits())
    manifest = folder / "semantic_manifest.json"
    nothing = {"metrics": [], "semantic_models": [], "project_configuration": {"time_spines": []}}
    manifest.write_text(json.dumps(nothing))
    metrics = PublishedMetrics(lambda relations: Definitions(manifest, relations))
    audit = AuditLog(folder / "runs" / "access")
    return Service(published, KeyStore(folder / "api_keys.json"), audit, metrics=metrics)


@pytest.fixture
def table(market: Market) -> str:
    """The address of the table, as clients of Delta Sharing write it."""
    return f"{market.profile()}#people.default.people"


def rows_of(frame: Any) -> list[Row]:
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


PEOPLE = "/shares/people/schemas/default/tables/people"


# --- the client of the authors of the protocol


def test_a_recipient_lists_its_own_shares(market: Market) -> None:
    for recipient, share in (("partner", "people"), ("rival", "secret_people")):
        client = delta_sharing.SharingClient(market.profile(recipient))
        (found,) = client.list_shares()
        (schema,) = client.list_schemas(found)
        (one,) = client.list_tables(schema)
        assert (one.share, one.schema, one.name) == (share, "default", "people")
        assert client.list_all_tables() == [one]


def test_each_version_is_loaded_as_it_was_built(market: Market, table: str) -> None:
    for number, outcome in enumerate(market.built, start=1):
        wanted = dump_rows(outcome.folder, outcome.index)
        assert outcome.index.number == number
        assert rows_of(delta_sharing.load_as_pandas(table, version=number)) == wanted
        at = f"2026-11-30 00:00:0{number}.5"
        assert rows_of(delta_sharing.load_as_pandas(table, timestamp=at)) == wanted
    assert rows_of(delta_sharing.load_as_pandas(table)) == wanted
    assert len(wanted) > 120
    assert rows_of(delta_sharing.load_as_pandas(table, limit=70)) == wanted[:70]
    assert delta_sharing.load_as_pandas(table, limit=0).empty
    assert delta_sharing.get_table_version(table) == 3
    assert delta_sharing.get_table_version(table, starting_timestamp="2026-11-30 0:00:02") == 2


def test_changes_from_the_first_version_on_give_the_table(market: Market, table: str) -> None:
    changes = delta_sharing.load_table_changes_as_pandas(table, starting_version=1)
    assert changes[CHANGE].value_counts().to_dict() == counted(market)
    last = market.built[-1]
    assert applied(rows_of(changes), {}) == dump_rows(last.folder, last.index)
    first = market.built[0]
    before = {row["person_id"]: row for row in dump_rows(first.folder, first.index)}
    later = delta_sharing.load_table_changes_as_pandas(table, starting_version=2, ending_version=3)
    assert applied(rows_of(later), before) == dump_rows(last.folder, last.index)
    assert set(later["_commit_version"]) == {2, 3}
    deleted = later[later[CHANGE] == DELETED]
    assert deleted[[name for name in COLUMNS if name != "person_id"]].isna().all(axis=None)


def counted(market: Market) -> dict[str, int]:
    """Changes of all versions, as the indexes count them; of the first one, all rows are new."""
    found = {ADDED: len(dump_rows(market.built[0].folder, market.built[0].index))}
    for outcome in market.built[1:]:
        changes = outcome.index.changes["people"]
        assert not isinstance(changes, str)
        counts = (changes.added, changes.modified, changes.deleted)
        for kind, count in zip((ADDED, MODIFIED, DELETED), counts, strict=True):
            found[kind] = found.get(kind, 0) + count
    return found


def applied(changes: list[Row], rows: dict[int, Row]) -> list[Row]:
    """The rows that somebody has who applies changes by key."""
    for change in sorted(changes, key=lambda change: change["_commit_version"]):
        rows.pop(change["person_id"], None)
        if change[CHANGE] != DELETED:
            kept = {name: value for name, value in change.items() if not name.startswith("_")}
            rows[change["person_id"]] = kept
    return [rows[key] for key in sorted(rows)]


def test_the_client_is_told_what_it_asks_wrongly(table: str) -> None:
    with pytest.raises(Exception, match="INVALID_PARAMETER_VALUE"):
        delta_sharing.load_as_pandas(table, version=9)
    with pytest.raises(Exception, match="responseformat=parquet"):
        delta_sharing.load_as_pandas(table, use_delta_format=True)


# --- the protocol


def test_the_columns_are_described_and_hints_leave_files_out(market: Market) -> None:
    with market.client() as client:
        answer = client.get(f"{PEOPLE}/metadata")
        assert answer.headers["delta-table-version"] == "3"
        assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
        protocol, metadata = map(json.loads, answer.text.splitlines())
        assert protocol == {"protocol": {"minReaderVersion": 1}}
        fields = json.loads(metadata["metaData"]["schemaString"])["fields"]
        types = {each["name"]: (each["type"], each["nullable"]) for each in fields}
        assert types["person_id"] == ("long", False)
        assert types["fee"] == ("decimal(10,2)", True)
        assert (types["joined_at"][0], types["tier"][0], types["ref"][0]) == (
            "timestamp",
            "short",
            "string",
        )
        everything = files_of(client, {})
        assert sum(json.loads(each["stats"])["numRecords"] for each in everything) > 120
        few = files_of(client, {"predicateHints": ["person_id <= 10", "nonsense ("]})
        assert [each["id"] for each in few] == [everything[0]["id"]]
        tree = {
            "op": "equal",
            "children": [
                {"op": "column", "name": "PERSON_ID", "valueType": "long"},
                {"op": "literal", "value": "100000", "valueType": "long"},
            ],
        }
        assert files_of(client, {"jsonPredicateHints": json.dumps(tree)}) == []
        assert len(files_of(client, {"limitHint": 61})) == 2
        assert len(files_of(client, {"limitHint": 61, "predicateHints": ["tier >= 1"]})) == len(
            everything
        )


def files_of(client: httpx.Client, asked: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post(f"{PEOPLE}/query", json=asked)
    assert answer.status_code == 200, answer.text
    return [json.loads(line)["file"] for line in answer.text.splitlines()[2:]]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/shares/secret_people", 404, "RESOURCE_DOES_NOT_EXIST"),
        ("/shares/secret_people/all-tables", 404, "RESOURCE_DOES_NOT_EXIST"),
        ("/shares/people/schemas/marts/tables", 404, "RESOURCE_DOES_NOT_EXIST"),
        ("/shares/people/schemas/default/tables/dim_person/metadata", 404, None),
        ("/nowhere", 404, "RESOURCE_DOES_NOT_EXIST"),
        (f"{PEOPLE}/changes", 400, "INVALID_PARAMETER_VALUE"),
        (f"{PEOPLE}/changes?startingVersion=3&endingVersion=2", 400, None),
        (f"{PEOPLE}/changes?startingVersion=x", 400, None),
        (f"{PEOPLE}/changes?startingVersion=1&startingTimestamp=2026-11-30 00:00:01", 400, None),
        (f"{PEOPLE}/version?startingTimestamp=2026-13-30 00:00:01", 400, None),
        (f"{PEOPLE}/version?startingTimestamp=2027-01-01 00:00:00", 400, None),
        ("/shares?maxResults=-1", 400, None),
        ("/shares?pageToken=zzz", 400, None),
    ],
)
def test_what_is_not_there_or_wrong_is_told_as_the_protocol_says(
    market: Market, path: str, status: int, code: str | None
) -> None:
    with market.client() as client:
        answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert answer.json().keys() == {"errorCode", "message"}
    assert code in (None, answer.json()["errorCode"])


@pytest.mark.parametrize(
    "body", [b"[", b"[]", b'{"version": -1}', b'{"version": "2"}', b'{"predicateHints": "x"}',
             b'{"version": 1, "timestamp": "2026-11-30 00:00:01"}', b'{"timestamp": "long ago"}',
             b'{"timestamp": "1999-1-1 00:00:00"}', b'{"startingVersion": 1}', b"[" * 200_000],
)  # fmt: skip
def test_a_query_that_cannot_be_understood_is_refused(market: Market, body: bytes) -> None:
    with market.client() as client:
        answer = client.post(f"{PEOPLE}/query", content=body)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER_VALUE")


def test_lists_come_in_pages_and_names_in_any_case(market: Market) -> None:
    with market.client() as client:
        none = client.get("/shares", params={"maxResults": 0}).json()
        assert none["items"] == []
        page = client.get("/shares", params={"pageToken": none["nextPageToken"]}).json()
        assert [each["name"] for each in page["items"]] == ["people"]
        assert "nextPageToken" not in page
        assert client.get("/shares/PEOPLE").json()["share"] == page["items"][0]
        mixed = "/shares/People/schemas/DEFAULT/tables/PEOPLE/version"
        assert client.get(mixed).status_code == 200


def test_nobody_comes_in_without_a_profile_that_is_valid(market: Market) -> None:
    address = f"{market.address}/delta-sharing/shares"
    key, _ = KeyStore(market.folder / "api_keys.json").issue("ann", "analyst", days=1)
    with market.client() as client:
        assert client.get("/shares").status_code == 200
        token = client.headers["authorization"].split()[1]
        # The two kinds of keys do not open each other's doors.
        assert httpx.get(f"{market.address}/v1", headers=client.headers).status_code == 401
        for text in ("", "Bearer", f"Bearer {key}", f"Bearer {token}x", f"Basic {token}"):
            answer = httpx.get(address, headers={"Authorization": text})
            assert (answer.status_code, answer.json()["errorCode"]) == (401, "UNAUTHENTICATED")
        link = files_of(client, {})[0]["url"]
        assert httpx.get(link).status_code == 200
        done = CliRunner().invoke(command, ["profile", "revoke", token.split("_")[1]])
        assert done.exit_code == 0, done.output
        assert client.get("/shares").status_code == 401
        assert httpx.get(link).status_code == 403


# --- links


def test_a_link_gives_its_file_and_no_other(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = market.built[-1]
    dump = last.index.resource("people", "dump")
    assert dump is not None
    with market.client() as client:
        first, second, *_ = files_of(client, {})
        whole = (last.folder / dump.files[0].path).read_bytes()
        answer = httpx.get(first["url"])
        assert answer.content == whole
        assert answer.headers["content-type"] == "application/vnd.apache.parquet"
        part = httpx.get(first["url"], headers={"Range": "bytes=4-99"})
        assert (part.status_code, part.content) == (206, whole[4:100])
        assert httpx.head(first["url"]).headers["content-length"] == str(len(whole))
        paths = [urlsplit(each["url"]).path for each in (first, second)]
        later = first["url"].replace(str(first["expirationTimestamp"] // 1000), "99999999999")
        for wrong in (
            first["url"].replace(*paths),
            first["url"][:-1] + ("0" if first["url"][-1] != "0" else "1"),
            first["url"].partition("?")[0],
            later,
        ):
            assert wrong != first["url"]
            assert httpx.get(wrong).status_code == 403
        monkeypatch.setattr(links, "_SECONDS", -5)
        (old, *_) = files_of(client, {})
        answer = httpx.get(old["url"])
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "PERMISSION_DENIED")
    assert "the link has expired" in answer.json()["message"]


def test_links_begin_with_the_address_of_the_proxy(market: Market) -> None:
    proxy = {"X-Forwarded-Proto": "https", "Host": "data.example.net"}
    with market.client() as client:
        client.headers.update(proxy)
        (file, *_) = files_of(client, {})
    assert file["url"].startswith("https://data.example.net/delta-sharing/files/people/batch-")


def test_links_to_much_data_last_longer(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    with market.client() as client:
        (file, *_) = files_of(client, {})
        assert 890 < file["expirationTimestamp"] / 1000 - time.time() < 910
        monkeypatch.setattr(links, "_SLOWEST_BYTES_PER_SECOND", 1)
        size = sum(each["size"] for each in files_of(client, {}))
        (file, *_) = files_of(client, {})
        assert 890 < file["expirationTimestamp"] / 1000 - time.time() - size < 910


@pytest.fixture
def visitor(market: Market) -> Iterator[tuple[Share, httpx.Client]]:
    """A share and a recipient of its own, which a test may do with as it likes."""
    share = market.share("trial", recipient="visitor")
    shares = market.folder / "versions"
    market.world.build(share, shares=shares)
    with market.client("visitor") as client:
        yield share, client
    shutil.rmtree(shares / "visitor")
    (market.folder / "project" / "shares" / "trial.yml").unlink()


TRIAL = "/shares/trial/schemas/default/tables/people"


def trial_files(client: httpx.Client) -> list[str]:
    lines = client.post(f"{TRIAL}/query", json={}).text.splitlines()
    return [json.loads(line)["file"]["url"] for line in lines[2:]]


def test_a_version_stays_while_links_lead_to_it_and_no_longer(
    market: Market, visitor: tuple[Share, httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    share, client = visitor
    versions = ShareVersions.of("visitor", "trial")
    links_to_first = trial_files(client)
    first = versions.current_name()
    random = Random(8)

    def build_again() -> None:
        market.world.publish(people(random))
        market.world.build(share, shares=market.folder / "versions")

    for _ in range(4):
        build_again()
    assert first in versions.names()
    assert len(versions.names()) == 4
    assert [httpx.get(link).status_code for link in links_to_first] == [200] * len(links_to_first)
    # A reader whose links end at once keeps nothing.
    monkeypatch.setattr(links, "_SECONDS", 0)
    second = versions.current_name()
    trial_files(client)
    deadline = time.monotonic() + 20
    while versions._is_open(str(second)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for _ in range(3):
        build_again()
    assert second not in versions.names()
    assert first in versions.names()
    state = client.get(f"{TRIAL}/changes", params={"startingVersion": 3})
    assert state.status_code == 400
    assert "version 3 is not here" in state.json()["message"]


def test_what_the_policy_does_not_allow_any_more_is_not_given(
    market: Market, visitor: tuple[Share, httpx.Client]
) -> None:
    _, client = visitor
    (link, *_) = trial_files(client)
    file = market.folder / "project" / "shares" / "trial.yml"
    policy = yaml.safe_load(file.read_text())

    def changed(**values: Any) -> None:
        file.write_text(yaml.safe_dump(policy | values))

    def statuses() -> list[int]:
        addresses = ("/shares/trial", f"{TRIAL}/metadata")
        return [*(client.get(each).status_code for each in addresses), httpx.get(link).status_code]

    changed(purpose="Another one.")
    assert statuses() == [200, 200, 200]
    fewer = {"people": policy["tables"]["people"] | {"columns": ["person_id", "region"]}}
    changed(tables=fewer)
    assert statuses() == [200, 404, 404]
    changed(approved_until=TODAY - timedelta(days=1))
    assert statuses() == [403, 403, 403]
    assert client.get("/shares").json() == {"items": []}
    changed(recipient="somebody_else")
    assert statuses() == [404, 404, 404]
    changed()
    assert statuses() == [200, 200, 200]
    versions = ShareVersions.of("visitor", "trial")
    versions.revoke(Revocation(TODAY, "The contract has ended.", "ann"))
    assert statuses() == [403, 403, 403]
    # What is given again has a number that nobody has seen.
    changed(approved_on=TODAY + timedelta(days=1), approved_until=TODAY + timedelta(days=9))
    assert versions.next_number() == 2


def test_after_an_erasure_the_table_is_loaded_again(
    market: Market, visitor: tuple[Share, httpx.Client]
) -> None:
    share, client = visitor
    versions = ShareVersions.of("visitor", "trial")
    versions.remove(str(versions.current_name()))
    assert client.get(f"{TRIAL}/metadata").status_code == 404
    market.world.build(share, shares=market.folder / "versions")
    assert client.get(f"{TRIAL}/version").headers["delta-table-version"] == "2"
    answer = client.get(f"{TRIAL}/changes", params={"startingVersion": 2})
    assert answer.status_code == 400
    assert "load the table" in answer.json()["message"]


# --- accounts


def test_each_download_is_recorded_before_it_is_given(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {each.run_id for each in market.given()}
    with market.client() as client:
        files = files_of(client, {})
        client.get(f"{PEOPLE}/changes", params={"startingVersion": 2, "endingVersion": 2})
        key_id = client.headers["authorization"].split("_")[1]
        new = (each for each in market.given() if each.run_id not in before)
        whole, changes = sorted(new, key=lambda each: each.delivered_at)
        last, middle = market.built[-1].index, market.built[1].index
        assert (whole.recipient, whole.share, whole.table_name) == ("partner", "people", "people")
        assert (whole.version, whole.row_count) == (last.version, last.rows)
        assert whole.byte_count == sum(each["size"] for each in files)
        assert (whole.user_name, whole.personal_columns) == (f"profile {key_id}", "note:mask")
        changed = middle.resource("people", "changes")
        assert changed and (changes.version, changes.row_count) == (middle.version, changed.rows)
        httpx.get(files[0]["url"])
        lines = sorted((market.folder / "runs" / "access").glob("*.jsonl"))[-1].read_text()
        *_, asked, read = map(json.loads, lines.splitlines())
        assert (asked["key_name"], asked["role"], asked["status"]) == ("partner", "recipient", 200)
        assert (read["path"], read["version"]) == ("/delta-sharing/files/{path}", last.version)
        monkeypatch.setenv("RUNS", "/proc/nothing")
        answer = client.post(f"{PEOPLE}/query", json={})
    assert (answer.status_code, answer.json()["errorCode"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "url" not in answer.text


def test_the_command_issues_a_profile_that_works_and_lists_it(market: Market) -> None:
    done = CliRunner().invoke(
        command, ["profile", "issue", "partner", "--endpoint", f"{market.address}/delta-sharing"]
    )
    assert done.exit_code == 0, done.output
    profile = market.folder / "issued.share"
    profile.write_text(done.stdout)
    assert [each.name for each in delta_sharing.SharingClient(str(profile)).list_shares()] == [
        "people"
    ]
    token = json.loads(done.stdout)["bearerToken"]
    kept = (market.folder / "keys" / "profiles.json").read_text()
    assert token.split("_", 2)[2] not in kept
    listed = CliRunner().invoke(command, ["profile", "list"]).output
    assert f"{token.split('_')[1]} " in listed
    done = CliRunner().invoke(command, ["profile", "issue", "nobody"])
    assert done.exit_code == 2
    assert "no policy names this recipient" in done.output


def test_a_file_left_out_by_a_hint_has_no_row_that_matches(market: Market) -> None:
    random = Random(4)
    last = market.built[-1]
    dump = last.index.resource("people", "dump")
    assert dump is not None
    left_out = 0
    with duckdb.connect() as connection, market.client() as client:
        for _ in range(40):
            condition = random_condition(random)
            kept = {each["id"] for each in files_of(client, {"predicateHints": [condition]})}
            for file in dump.files:
                if file.sha256 not in kept:
                    left_out += 1
                    relation = parquet_relation(last.folder, [file])
                    (found,) = connection.execute(
                        f"select count(*) from {relation} where {condition}"
                    ).fetchone() or (None,)
                    assert found == 0, condition
    assert left_out > 20


def random_condition(random: Random) -> str:
    operator = random.choice(("=", "<", "<=", ">", ">=", "<>"))
    return random.choice(
        (
            f"person_id {operator} {random.randrange(-5, 230)}",
            f"{random.randrange(230)} {operator} person_id",
            f"tier {operator} {random.choice((0, 1, 3, 4))}",
            f"fee {operator} {random.choice((-1, 0.5, 5000, 99999))}",
            f"joined_at {operator} '{random.choice((2019, 2021, 2030))}-01-01 00:00:00'",
            f"region {operator} '{random.choice(('', 'a', 'north', 'zz'))}'",
            f"ref {operator} '00000000-0000-0000-0000-0000000000{random.randrange(10, 99)}'",
            f"note is {random.choice(('', 'not '))}null",
            f"person_id is {random.choice(('', 'not '))}null",
            f"is_active {operator} {random.choice(('true', 'false'))}",
        )
    )
