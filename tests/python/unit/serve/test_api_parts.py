"""Keys, limits, the log of who read what, formats, and `meta.api` of a model: each does what it says, and refuses what it cannot use."""

import json
import stat
import threading
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from typer.testing import CliRunner

from scripts.serve.api import formats
from scripts.serve.api.__main__ import app
from scripts.serve.api.audit import AuditError, AuditLog, Entry
from scripts.serve.api.keys import KeyFileError, KeyStore, new_key
from scripts.serve.api.kinds import kind_of
from scripts.serve.api.limits import LimitsError, RateLimiter, read_limits
from scripts.serve.api.problems import NOT_ACCEPTABLE, Problem
from scripts.serve.api.resources import problems_of
from scripts.warehouse.clock import utc_now

# --- keys


def test_a_key_is_found_until_it_expires_or_is_revoked(tmp_path: Path) -> None:
    now = utc_now()
    store = KeyStore(tmp_path / "keys.json", clock=lambda: now)
    text, key = store.issue("reports", "analyst", days=2)
    found = store.find(text)
    assert found is not None and (found.name, found.role) == ("reports", "analyst")
    later = KeyStore(tmp_path / "keys.json", clock=lambda: now + timedelta(days=3))
    assert later.find(text) is None
    store.revoke(key.key_id)
    assert store.find(text) is None
    assert [each.state(now) for each in store.all()] == ["revoked"]


def test_the_file_holds_no_secret_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "keys.json"
    text, _ = KeyStore(file).issue("reports", "analyst", days=1)
    secret = text.split("_", 2)[2]
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_server_that_is_running_sees_what_another_program_changes(tmp_path: Path) -> None:
    running, other = (KeyStore(tmp_path / "keys.json") for _ in range(2))
    assert running.all() == []
    text, key = other.issue("reports", "analyst", days=1)
    assert running.find(text)
    other.revoke(key.key_id)
    assert running.find(text) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "x",
        lambda text: text.replace("key_", "kex_"),
        lambda text: text.rsplit("_", 1)[0],
        lambda text: "",
        lambda text: "key__",
        lambda text: "key_\ud800_x",
        lambda text: text[:12] + "_" + "A" * 43,
    ],
)
def test_what_is_not_exactly_a_key_is_none(tmp_path: Path, change: Any) -> None:
    store = KeyStore(tmp_path / "keys.json")
    text, _ = store.issue("reports", "analyst", days=1)
    assert store.find(change(text)) is None


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "\x1b[2J"])
def test_a_key_is_for_somebody(tmp_path: Path, name: str) -> None:
    file = tmp_path / "keys.json"
    result = CliRunner().invoke(app, ["keys", "issue", name, "--file", str(file)])
    assert result.exit_code == 2
    assert "say in one line who or what gets the key" in result.output
    assert not file.exists()


def test_a_key_of_the_session_is_written_nowhere(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.json")
    text, key = new_key("first steps", "analyst", timedelta(days=1))
    store.add_own(key)
    assert store.find(text) == key
    assert not store.file.exists()


def test_keys_that_are_issued_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    threads = [
        threading.Thread(target=KeyStore(file).issue, args=(f"number {number}", "analyst", 1))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(KeyStore(file).all()) == 12
    assert sorted(path.name for path in tmp_path.iterdir()) == [".keys.json.lock", "keys.json"]


def test_a_damaged_file_of_keys_lets_nobody_in(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    store = KeyStore(file)
    text, _ = store.issue("reports", "analyst", days=1)
    (whole,) = json.loads(file.read_text())
    no_keys = [
        json.dumps([whole | change])
        for change in (
            {"digest": None},
            {"digest": "é"},
            {"role": ["analyst"]},
            {"expires_at": None},
            {"expires_at": "2099-01-01T00:00:00+00:00"},
        )
    ]
    for content in ("", "{", "[1]", '[{"key_id": "a"}]', *no_keys):
        file.write_text(content)
        with pytest.raises(KeyFileError, match="restore it"):
            KeyStore(file).find(text)
        with pytest.raises(KeyFileError):
            KeyStore(file).issue("more", "analyst", days=1)
    with pytest.raises(KeyFileError, match="no such key"):
        KeyStore(tmp_path / "none.json").revoke("12345678")


# --- limits


def test_a_file_of_ones_own_replaces_what_it_names(tmp_path: Path) -> None:
    own = tmp_path / "own.yml"
    own.write_text("default: {seconds: 3}\nroles: {auditor: {rows_of_page: 7}}\n")
    limits, usual = read_limits(own), read_limits()
    assert limits.of("analyst").seconds == 3
    assert limits.of("auditor").rows_of_page == 7
    assert limits.of("auditor").requests_per_minute == usual.default.requests_per_minute
    assert limits.of("application").rows_of_stream < usual.default.rows_of_stream


@pytest.mark.parametrize(
    "content",
    [
        "default: {second: 3}",
        "default: {seconds: 0}",
        "default: {seconds: yes}",
        "defaults: {}",
        "default: 3",
        "[1]",
        "a: [",
        "roles: {analyst: {rows: 3}}",
    ],
)
def test_limits_that_make_no_sense_are_refused_by_name(tmp_path: Path, content: str) -> None:
    own = tmp_path / "own.yml"
    own.write_text(content)
    with pytest.raises(LimitsError, match=r"own\.yml"):
        read_limits(own)


def test_a_key_waits_when_its_minute_is_used_up_and_no_other_key_does() -> None:
    now = 0.0
    rate = RateLimiter(clock=lambda: now)
    free = [rate.seconds_to_wait("one", 60) for _ in range(31)]
    assert free[:30] == [0] * 30
    assert free[30] == pytest.approx(1)
    assert rate.seconds_to_wait("other", 60) == 0
    now = 1.0
    assert rate.seconds_to_wait("one", 60) == 0
    now = 1e6
    assert [rate.seconds_to_wait("one", 60) > 0 for _ in range(31)] == [False] * 30 + [True]


# --- who has read what


def entry(at: datetime) -> Entry:
    return Entry(at, "r", "k", "reports", "analyst", "127.0.0.1", "/v1/trades", ["a"], ["a.eq"], formats.JSON, "batch", 3, 200, 0.1)  # fmt: skip


def test_each_day_has_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "access")
    for day in (1, 1, 2):
        log.write(entry(datetime(2026, 11, day, 23, 59)))
    log.close()
    files = sorted((tmp_path / "access").iterdir())
    assert [file.name for file in files] == ["2026-11-01.jsonl", "2026-11-02.jsonl"]
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert [line["at"][:10] for line in lines] == ["2026-11-01", "2026-11-01", "2026-11-02"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_log_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "access").write_text("a file, where a folder should be")
    log = AuditLog(tmp_path / "access")
    for attempt in (log.check, lambda: log.write(entry(utc_now()))):
        with pytest.raises(AuditError, match="set RUNS"):
            attempt()


@pytest.mark.parametrize("is_moved", [False, True])
def test_a_file_that_is_taken_away_is_begun_again(tmp_path: Path, is_moved: bool) -> None:
    log = AuditLog(tmp_path / "access")
    log.write(entry(utc_now()))
    (file,) = log.folder.iterdir()
    if is_moved:
        log.folder.rename(tmp_path / "old")
    else:
        file.unlink()
    log.write(entry(utc_now()))
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1


def test_half_a_line_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.serve.api.audit.os.write", lambda _, line: len(line) // 2)
    with pytest.raises(AuditError, match="No space left"):
        AuditLog(tmp_path).write(entry(utc_now()))


def test_lines_of_two_programs_do_not_mix(tmp_path: Path) -> None:
    logs = [AuditLog(tmp_path) for _ in range(4)]

    def write(log: AuditLog) -> None:
        for _ in range(200):
            log.write(entry(datetime(2026, 11, 1)))

    threads = [threading.Thread(target=write, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / "2026-11-01.jsonl").read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 800


# --- formats


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, formats.JSON),
        ("", formats.JSON),
        ("*/*", formats.JSON),
        ("text/*", formats.CSV),
        ("text/csv", formats.CSV),
        ("TEXT/CSV; q=0.5, application/json; q=0.4", formats.CSV),
        ("text/html, */*;q=0.1", formats.JSON),
        ("application/json;q=0, */*", formats.CSV),
        (f"{formats.PARQUET}, */*;q=0.5", formats.PARQUET),
        ("application/*", formats.JSON),
    ],
)
def test_the_client_gets_what_it_likes_best(header: str | None, expected: str) -> None:
    assert formats.accepted(header) == expected


@pytest.mark.parametrize("header", ["text/html", "*/*;q=0", "application/json;q=x", ";", "image/*"])
def test_a_client_that_takes_none_of_the_formats_is_told(header: str) -> None:
    with pytest.raises(Problem) as raised:
        formats.accepted(header)
    assert raised.value.type is NOT_ACCEPTABLE


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_every_format_holds_the_same_rows(rows: int) -> None:
    table = pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "name": pa.array(['a"\n,ä', None, "", "b", "c"][:rows], pa.string()),
        }
    )
    batches = table.to_batches(max_chunksize=2)
    kinds = {"id": kind_of("bigint"), "name": kind_of("varchar")}

    def content(media_type: str) -> bytes:
        about = {"version": "ä"}
        return b"".join(formats.written(media_type, table.schema, batches, kinds, about))

    found = json.loads(content(formats.JSON))
    assert found == {"data": table.to_pylist(), "version": "ä"}
    assert pa.ipc.open_stream(content(formats.ARROW)).read_all() == table
    assert parquet.read_table(BytesIO(content(formats.PARQUET))) == table
    options = csv.ConvertOptions(
        column_types=table.schema, strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    parse = csv.ParseOptions(newlines_in_values=True)
    read = csv.read_csv(BytesIO(content(formats.CSV)), convert_options=options, parse_options=parse)
    assert read.to_pylist() == table.to_pylist()


def test_numbers_keep_all_their_digits() -> None:
    kinds = {"a": kind_of("decimal(38,2)"), "b": kind_of("double precision")}
    from decimal import Decimal

    (row,) = formats.json_rows(
        kinds, [(Decimal("123456789012345678901234567890.10"), float("inf"))]
    )
    assert row == '{"a":123456789012345678901234567890.10,"b":null}'


# --- meta.api


def model(**declared: Any) -> dict[str, Any]:
    columns = {name: {"meta": {}, "constraints": []} for name in ("id", "part", "limit", "name")}
    columns["name"]["meta"] = {"personal": "name"}
    return {
        "alias": "fct_things",
        "columns": columns,
        "constraints": [{"type": "primary_key", "columns": ["id", "part"]}],
        "config": {"meta": {"api": declared}},
    }


GOOD: dict[str, Any] = {
    "name": "things",
    "key": ["id", "part"],
    "filters": [],
    "order": ["-part"],
    "page_size": 10,
    "sunset": "2027-01-31",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": ["id"]}, "not the primary key"),
        ({"key": "id"}, "no list `key`"),
        ({"filters": ["nothing"]}, "no column nothing"),
        ({"filters": ["limit"]}, "limit is a parameter"),
        ({"filters": ["name"]}, "name is personal"),
        ({"order": ["-nothing"]}, "no column nothing"),
        ({"order": ["limit"]}, "neither in key nor in filters"),
        ({"page_size": 0}, "from 1 to"),
        ({"page_size": 99999}, "from 1 to"),
        ({"sunset": "soon"}, "no day"),
        ({"filter": ["id"]}, "there are only"),
        ({"name": "metrics"}, "no name for an address"),
        ({"name": "The Things"}, "no name for an address"),
        ({"name": "taken"}, "the name of fct_other"),
    ],
)
def test_a_declaration_that_cannot_be_served_is_a_violation(
    change: dict[str, Any], said: str
) -> None:
    assert list(problems_of(model(**GOOD), {"taken": "fct_other"})) == []
    problems = list(problems_of(model(**{**GOOD, **change}), {"taken": "fct_other"}))
    assert any(said in problem for problem in problems), problems


def test_a_model_without_a_declaration_is_not_served() -> None:
    assert list(problems_of({**model(), "config": {"meta": {}}}, {})) == []
