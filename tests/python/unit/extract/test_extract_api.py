"""Lists of an HTTP API: whole, each item once, whatever the server and the network do."""

import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from scripts.extract.errors import ExtractError
from scripts.extract.rows import Number
from scripts.extract.staging import read_originals
from scripts.extract.systems.base import Reader
from scripts.live_systems.agency import Agency
from scripts.load.sources import EXTRACTION
from tests.python.living import LivingWarehouse

COLUMNS = {
    "id": {"data_type": "bigint", "required": True},
    "name": {},
    "price": {"data_type": "decimal(8,2)"},
    "city": {"path": "address/city"},
}
PAGES: dict[str, dict[str, Any]] = {
    "link": {"pages": "link", "total": "header:X-Total-Count"},
    "cursor": {"pages": "cursor", "next": "next", "total": "total"},
    "offset": {"pages": "offset", "total": "total", "key": "id"},
}
AUTH = {
    "kind": "client_credentials",
    "token_address": "TEST_TOKENS",
    "client_id": "TEST_CLIENT",
    "client_secret": "TEST_SECRET",
}
Disturb = Callable[[BaseHTTPRequestHandler], bool]


def items(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "id": Number(number),
            "name": f"n{number}",
            "price": Number("1.10"),
            "address": {"city": "Lima"},
        }
        for number in range(start, start + count)
    ]


@pytest.fixture
def agency(monkeypatch: pytest.MonkeyPatch) -> Iterator[Agency]:
    """An API with a list of 25 things."""
    with Agency.started() as agency:
        agency.lists["things"] = items(25)
        monkeypatch.setenv("TEST_API", agency.address)
        monkeypatch.setenv("TEST_TOKENS", f"{agency.address}/token")
        monkeypatch.setenv("TEST_CLIENT", "warehouse")
        monkeypatch.setenv("TEST_SECRET", agency.client_secret)
        yield agency


def declare(
    warehouse: LivingWarehouse,
    pages: str = "cursor",
    auth: dict[str, str] | None = AUTH,
    **feed: Any,
) -> None:
    origin = {"path": "things", "items": "items", "page_size": 10} | PAGES[pages]
    table = {"columns": COLUMNS, "origin": origin} | feed
    system = {"kind": "api", "address": "TEST_API"} | ({"auth": auth} if auth else {})
    warehouse.declare(system, {"thing": table})


def ids(warehouse: LivingWarehouse, batch: int = 1) -> list[int]:
    return [row["id"] for row in warehouse.landed("thing") if row["batch_id"] == batch]


def once(number: int, answer: Disturb) -> Disturb:
    """Disturb one request for a page: the one of this number, counted from 1."""
    seen = 0

    def disturb(handler: BaseHTTPRequestHandler) -> bool:
        nonlocal seen
        seen += 1
        return answer(handler) if seen == number else False

    return disturb


@pytest.mark.parametrize("pages", PAGES)
@pytest.mark.parametrize("count", [0, 1, 10, 25])
def test_a_list_lands_as_a_whole(
    pages: str, count: int, agency: Agency, warehouse: LivingWarehouse
) -> None:
    agency.lists["things"] = items(count)
    declare(warehouse, pages)
    result = warehouse.extract()
    counted = result.systems["test"].feeds["test.thing"]
    assert (counted.rows, counted.system_rows) == (count, count)
    assert ids(warehouse) == list(range(count))
    if count:
        row = warehouse.landed("thing")[0]
        assert (str(row["price"]), row["city"]) == ("1.10", "Lima")


@pytest.mark.parametrize("format_", ["delimited", "json_lines", "parquet"])
def test_values_are_the_same_in_each_format(
    format_: str, agency: Agency, warehouse: LivingWarehouse
) -> None:
    agency.lists["things"] = [
        {"id": Number("1"), "name": 'a "b" ü', "price": None},
        {"id": Number("2"), "name": "", "price": Number("3"), "address": {}},
    ]
    declare(warehouse, format=format_, quote='"' if format_ == "delimited" else None)
    warehouse.extract()
    assert [tuple(map(str, row.values())) for row in warehouse.landed("thing")] == [
        ("1", 'a "b" ü', "None", "None", "1"),
        ("2", "None", "3.00", "None", "1"),
    ]


def test_what_no_line_can_hold_is_quarantined(agency: Agency, warehouse: LivingWarehouse) -> None:
    agency.lists["things"] = [
        {"id": Number("1"), "name": "two\nlines"},
        {"id": Number("2"), "name": "a|b"},
        {"id": Number("3"), "name": ["a", "list"]},
        {"id": Number("4"), "name": "fine"},
    ]
    declare(warehouse)
    warehouse.extract()
    assert ids(warehouse) == [4]
    assert len(warehouse.quarantined("thing")) == 3


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "key", "header": "X-Api-Key", "key": "TEST_KEY"}, "X-Api-Key", "k3y"),
        ({"kind": "bearer", "token": "TEST_KEY"}, "Authorization", "Bearer k3y"),
    ],
)
def test_credentials_are_sent_and_never_shown(
    auth: dict[str, str],
    header: str,
    value: str,
    agency: Agency,
    warehouse: LivingWarehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_KEY", "k3y")
    monkeypatch.setattr(agency, "is_known", lambda _: True)
    sent = []

    def disturb(handler: BaseHTTPRequestHandler) -> bool:
        sent.append(handler.headers.get(header))
        return False

    agency.disturb = disturb
    declare(warehouse, auth=auth)
    warehouse.extract()
    assert set(sent) == {value}
    monkeypatch.setattr(agency, "is_known", lambda _: False)
    with pytest.raises(ExtractError, match=r"refused: 401 .* credentials \(TEST_KEY\)") as error:
        warehouse.extract()
    assert "k3y" not in str(error.value)
    kept = [(warehouse.sources / "Batch1" / EXTRACTION).read_text()]
    kept += map(json.dumps, read_originals(warehouse.sources / "Batch1", warehouse.feed("thing")))
    assert all("k3y" not in text for text in kept)


def test_wrong_credentials_are_told_at_once(
    agency: Agency, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SECRET", "wrong")
    declare(warehouse)
    with pytest.raises(ExtractError, match=r"/token: refused: 401") as error:
        warehouse.extract()
    assert "wrong" not in str(error.value)


def test_an_answer_without_a_token_is_told(
    agency: Agency, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agency, "new_token", lambda: {"error": "none today"})
    declare(warehouse)
    with pytest.raises(ExtractError, match="the answer has no access_token; correct TEST_TOKENS"):
        warehouse.extract()


def test_a_token_that_expires_in_between_is_renewed(
    agency: Agency, warehouse: LivingWarehouse
) -> None:
    def expire(_: BaseHTTPRequestHandler) -> bool:
        agency.forget_tokens()
        return False

    agency.disturb = once(2, expire)
    declare(warehouse)
    assert warehouse.extract().systems["test"].retries == 1
    assert ids(warehouse) == list(range(25))


def status(code: int, **headers: str) -> Disturb:
    def answer(handler: Any) -> bool:
        handler.answer(code, {}, {name.replace("_", "-"): text for name, text in headers.items()})
        return True

    return answer


def cut_short(handler: BaseHTTPRequestHandler) -> bool:
    """A body that ends before its declared length."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"items": [')
    handler.close_connection = True
    return True


def broken_json(handler: BaseHTTPRequestHandler) -> bool:
    """A body that says it is complete, and is not."""
    handler.send_response(200)
    handler.send_header("Content-Length", "11")
    handler.end_headers()
    handler.wfile.write(b'{"items": [')
    return True


def reset(handler: BaseHTTPRequestHandler) -> bool:
    handler.close_connection = True
    return True


def silence(_: BaseHTTPRequestHandler) -> bool:
    time.sleep(0.5)
    return False


FAULTS: dict[str, Disturb] = {
    "500": status(500),
    "502": status(502),
    "503": status(503, Retry_After="1"),
    "429": status(429, Retry_After=formatdate(time.time() + 2, usegmt=True)),
    "429 without a time": status(429),
    "cut short": cut_short,
    "broken": broken_json,
    "reset": reset,
    "silence": silence,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("request_number", [1, 3])
def test_a_fault_of_the_network_loses_nothing(
    fault: str, request_number: int, agency: Agency, warehouse: LivingWarehouse
) -> None:
    agency.disturb = once(request_number, FAULTS[fault])
    patience = {"seconds_to_answer": 0.2} if fault == "silence" else {}
    system = {"kind": "api", "address": "TEST_API", "auth": AUTH} | patience
    origin = {"path": "things", "items": "items", "page_size": 10} | PAGES["cursor"]
    warehouse.declare(system, {"thing": {"columns": COLUMNS, "origin": origin}})
    # A busy machine may be silent, too.
    assert warehouse.extract().systems["test"].retries >= 1
    assert ids(warehouse) == list(range(25))


def test_a_limit_is_kept_by_waiting_as_long_as_asked(
    agency: Agency, warehouse: LivingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = []
    agency.most_per_second = 2

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        agency._answered.clear()

    monkeypatch.setattr(Reader, "sleep", staticmethod(sleep))
    declare(warehouse)
    warehouse.extract()
    assert waits == [1.0]
    assert ids(warehouse) == list(range(25))


def test_who_asks_for_too_much_patience_is_asked_another_time(
    agency: Agency, warehouse: LivingWarehouse
) -> None:
    agency.disturb = status(429, Retry_After="86400")
    declare(warehouse)
    with pytest.raises(ExtractError, match="asks to wait 86400 seconds"):
        warehouse.extract()


def test_a_server_that_stays_away_is_told_in_one_line(
    agency: Agency, warehouse: LivingWarehouse
) -> None:
    agency.disturb = status(500)
    declare(warehouse)
    with pytest.raises(ExtractError, match=r"no answer in 8 attempts, the last one: 500") as error:
        warehouse.extract()
    assert "\n" not in str(error.value)
    assert not list(warehouse.sources.glob("Batch*"))


@pytest.mark.parametrize("pages", PAGES)
@pytest.mark.parametrize("change", ["insert", "delete", "replace"])
def test_a_list_that_changes_while_it_is_read_is_read_again(
    pages: str, change: str, agency: Agency, warehouse: LivingWarehouse
) -> None:
    def act(_: BaseHTTPRequestHandler) -> bool:
        before = agency.lists["things"]
        agency.lists["things"] = {
            "insert": items(1, 99) + before,
            "delete": before[1:],
            # The total stays the same, but everything moves.
            "replace": items(1, 99) + before[:-1],
        }[change]
        return False

    agency.disturb = once(2, act)
    declare(warehouse, pages)
    if pages != "offset":
        warehouse.declare(
            {"kind": "api", "address": "TEST_API", "auth": AUTH},
            {
                "thing": {
                    "columns": COLUMNS,
                    "origin": {"path": "things", "items": "items", "page_size": 10, "key": "id"}
                    | PAGES[pages],
                }
            },
        )
    warehouse.extract()
    expected = [int(item["id"]) for item in agency.lists["things"]]
    assert ids(warehouse) == expected


def test_a_list_that_never_rests_is_given_up(agency: Agency, warehouse: LivingWarehouse) -> None:
    def act(_: BaseHTTPRequestHandler) -> bool:
        agency.lists["things"] = items(20 + agency.requests % 5)
        return False

    agency.disturb = act
    declare(warehouse)
    with pytest.raises(ExtractError, match="the list has changed each of 5 times it was read"):
        warehouse.extract()


@pytest.mark.parametrize("has_times", [False, True])
def test_pages_that_have_not_changed_come_from_what_was_kept(
    has_times: bool, agency: Agency, warehouse: LivingWarehouse
) -> None:
    agency.has_times = has_times
    asked = "If-Modified-Since" if has_times else "If-None-Match"
    declare(warehouse, may_repeat=True)
    warehouse.extract()
    sent: list[str] = []
    answer = agency.disturb

    def count(handler: Any) -> bool:
        sent.append(handler.headers.get(asked, ""))
        return answer(handler)

    agency.disturb = count
    # Nothing at all has changed: no batch.
    assert warehouse.extract().batch is None
    assert len(sent) == 3
    assert all(sent)
    agency.lists["things"][-1]["name"] = "other"
    assert warehouse.extract().batch == 2
    names = [row["name"] for row in warehouse.landed("thing") if row["batch_id"] == 2]
    assert names == [f"n{number}" for number in range(24)] + ["other"]
    # And from there again.
    agency.lists["things"][0]["name"] = "first"
    assert warehouse.extract().batch == 3
    names = [row["name"] for row in warehouse.landed("thing") if row["batch_id"] == 3]
    assert names == ["first"] + [f"n{number}" for number in range(1, 24)] + ["other"]


def test_credentials_go_to_no_other_server(agency: Agency, warehouse: LivingWarehouse) -> None:
    def lead_away(handler: Any) -> bool:
        body = {"items": [], "next": "1", "total": 0}
        link = {"Link": '<http://127.0.0.1:9/things?page=2>; rel="next"', "X-Total-Count": "0"}
        handler.answer(200, body, link)
        return True

    agency.disturb = lead_away
    declare(warehouse, "link")
    with pytest.raises(ExtractError, match=r"the next page is on another server \(http://127"):
        warehouse.extract()


def test_pages_in_a_circle_end(agency: Agency, warehouse: LivingWarehouse) -> None:
    def circle(handler: Any) -> bool:
        handler.answer(200, {"items": [], "next": "7", "total": 0})
        return True

    agency.disturb = circle
    declare(warehouse)
    with pytest.raises(ExtractError, match="leads back to itself"):
        warehouse.extract()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"total": 0}, "there is no list at items"),
        ({"items": [], "total": None}, "there is no total at total"),
    ],
)
def test_an_answer_that_is_not_what_the_contract_says_is_told(
    body: dict[str, Any], problem: str, agency: Agency, warehouse: LivingWarehouse
) -> None:
    def answer(handler: Any) -> bool:
        handler.answer(200, body)
        return True

    agency.disturb = answer
    declare(warehouse)
    with pytest.raises(ExtractError, match=problem):
        warehouse.extract()


def test_an_item_that_is_no_object_is_quarantined(
    agency: Agency, warehouse: LivingWarehouse
) -> None:
    agency.lists["things"] = [*items(1), "poison", *items(1, 2)]  # type: ignore[list-item]
    declare(warehouse)
    warehouse.extract()
    assert ids(warehouse) == [0, 2]
    ((_, _, text),) = warehouse.quarantined("thing")
    assert "poison" in text


def test_only_the_items_whose_bytes_are_no_text_are_quarantined(
    agency: Agency, warehouse: LivingWarehouse
) -> None:
    body = b'{"items": [{"id": 1, "name": "M\xfcller"}, {"id": 2, "name": "M\xc3\xbcller"}], "total": 2}'

    def bad_bytes(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    agency.disturb = bad_bytes
    declare(warehouse)
    warehouse.extract()
    assert [row["name"] for row in warehouse.landed("thing")] == ["Müller"]
    assert len(warehouse.quarantined("thing")) == 1
    (page,) = read_originals(warehouse.sources / "Batch1", warehouse.feed("thing"))
    assert page["body"].encode(errors="surrogateescape") == body


def test_what_the_api_said_is_kept(agency: Agency, warehouse: LivingWarehouse) -> None:
    declare(warehouse)
    warehouse.extract()
    pages = list(read_originals(warehouse.sources / "Batch1", warehouse.feed("thing")))
    assert [len(json.loads(page["body"])["items"]) for page in pages] == [10, 10, 5]
