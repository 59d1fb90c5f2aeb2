"""The protocol of Delta Sharing, for the same shares and versions as the folders: https://github.com/delta-io/delta-sharing/blob/main/PROTOCOL.md.

Usage:
    add_routes(app, service)

A recipient comes with the bearer token of its profile (`python -m scripts.share profile issue`) and sees its own shares only. Files are read through signed links, which end by
themselves, with the profile, or when the share is not given any more. What cannot be recorded is not given.
"""

import base64
import json
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from scripts.history.records import RecordError
from scripts.serve.api import problems
from scripts.serve.api.keys import Key
from scripts.serve.api.problems import Problem, Type
from scripts.serve.api.service import Call, Door, Handler, Service
from scripts.serve.api.streams import MOST_BYTES, with_body
from scripts.serve.sessions import UnavailableError
from scripts.share import delta
from scripts.share.deliveries import record_download
from scripts.share.dumps import File
from scripts.share.hints import Hints
from scripts.share.holds import Holds
from scripts.share.index import Resource
from scripts.share.keys import KeyFileError, link_key
from scripts.share.links import Link, LinkError, seconds_to_read
from scripts.share.offers import NotOfferedError, Offer, Offers, State, UnknownShareError
from scripts.share.policies import PolicyError
from scripts.share.profiles import profile_store

PREFIX = "/delta-sharing"
_SHARE = "/shares/{share}"
_TABLE = f"{_SHARE}/schemas/{{schema}}/tables/{{table}}"
_LINES = "application/x-ndjson; charset=utf-8"
_PARQUET = "application/vnd.apache.parquet"
_CAPABILITIES = "delta-sharing-capabilities"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LONGEST_PAGE = 500
# Of the protocol, as the server of its authors names them.
_CODES: dict[Type, str] = {
    problems.INVALID_PARAMETER: "INVALID_PARAMETER_VALUE",
    problems.UNAUTHORIZED: "UNAUTHENTICATED",
    problems.FORBIDDEN: "PERMISSION_DENIED",
    problems.NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
    problems.TOO_MANY_REQUESTS: "RESOURCE_EXHAUSTED",
    problems.UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
}
# As the protocol writes times: months, days and hours may have one digit.
_TIME = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)[ T](\d\d?):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?"
)


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the endpoints. They are described by the protocol, so not by our own description."""
    sharing = _Sharing(service)
    service.at_end.callback(sharing.holds.close)
    door = Door(sharing.key_of_profile, _refusal)

    def add(path: str, handler: Handler, method: str = "GET") -> None:
        endpoint: Callable[[Request], Any] = service.guarded(PREFIX + path, _told(handler), door)
        if method == "POST":
            endpoint = with_body(endpoint)
        app.add_api_route(PREFIX + path, endpoint, methods=[method], include_in_schema=False)

    add("/shares", sharing.list_shares)
    add(_SHARE, sharing.get_share)
    add(f"{_SHARE}/schemas", sharing.list_schemas)
    add(f"{_SHARE}/schemas/{{schema}}/tables", sharing.list_tables)
    add(f"{_SHARE}/all-tables", sharing.list_tables)
    add(f"{_TABLE}/version", sharing.version)
    add(f"{_TABLE}/metadata", sharing.metadata)
    add(f"{_TABLE}/query", sharing.query, "POST")
    add(f"{_TABLE}/changes", sharing.changes)
    app.add_api_route(
        f"{PREFIX}/files/{{path:path}}",
        service.guarded(
            f"{PREFIX}/files/{{path}}",
            _told(sharing.file),
            Door(sharing.key_of_link, _refusal),
        ),
        methods=["GET", "HEAD"],
        include_in_schema=False,
    )
    # Errors of the protocol have its form, also where there is nothing.
    app.add_api_route(
        f"{PREFIX}/{{path:path}}",
        service.guarded(f"{PREFIX}/{{path}}", _nothing, door),
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        include_in_schema=False,
    )


class _Sharing:
    """The endpoints."""

    def __init__(self, service: Service) -> None:
        self.holds = Holds()
        self._profiles = profile_store()
        self._offers = Offers(service.published.declarations)

    def key_of_profile(self, request: Request) -> Key:
        """The profile that a request comes with."""
        key = self._profiles.sent(request.headers.get("authorization", ""))
        if key is None:
            raise Problem(
                problems.UNAUTHORIZED,
                "the bearer token is missing, wrong, expired or revoked",
                fix="ask whoever shares the data for a new profile",
                headers={"WWW-Authenticate": 'Bearer realm="delta-sharing"'},
            )
        return key

    def key_of_link(self, request: Request) -> Key:
        """The profile that a link was made for."""
        try:
            link = Link.of(request.path_params["path"], request.query_params, link_key())
        except LinkError as error:
            raise Problem(problems.FORBIDDEN, str(error), fix="ask for the table again") from error
        except KeyFileError as error:
            raise UnavailableError(str(error)) from error
        key = self._profiles.valid(link.key_id)
        if key is None:
            raise Problem(problems.FORBIDDEN, "the profile has ended", fix="ask for a new one")
        request.state.link = link
        return key

    def list_shares(self, call: Call) -> Response:
        """All shares of the recipient that it may have now."""
        offers = self._offers.of(call.key.name)
        items = [{"name": each.share.name, "id": delta.share_id(each)} for each in offers]
        return _page(call, items)

    def get_share(self, call: Call) -> Response:
        """One of them."""
        offer = self._offer(call)
        content = {"share": {"name": offer.share.name, "id": delta.share_id(offer)}}
        return _json(content)

    def list_schemas(self, call: Call) -> Response:
        """The schema of a share."""
        return _page(call, [{"name": delta.SCHEMA, "share": self._offer(call).share.name}])

    def list_tables(self, call: Call) -> Response:
        """The tables of a share; all are in one schema."""
        offer = self._offer(call)
        if "schema" in call.request.path_params:
            _check_schema(call)
        items = [
            {
                "name": name,
                "schema": delta.SCHEMA,
                "share": offer.share.name,
                "shareId": delta.share_id(offer),
                "id": delta.table_id(offer, name),
            }
            for name, states in offer.tables.items()
            if delta.is_readable(states[-1].dump)
        ]
        return _page(call, items)

    def version(self, call: Call) -> Response:
        """The number of the newest version, or of the first one after a time."""
        _, _, states = self._table(call)
        state = states[-1]
        if text := call.request.query_params.get("startingTimestamp"):
            state = _first_since(states, _time(text, "startingTimestamp"), "startingTimestamp")
        call.version = state.index.version
        return Response(headers=_numbered(state))

    def metadata(self, call: Call) -> Response:
        """The columns of a table."""
        _check_format(call)
        offer, table, states = self._table(call)
        state = states[-1]
        call.version = state.index.version
        return _lines(
            state, [delta.protocol(), delta.metadata(offer, table, state, with_version=False)]
        )

    def query(self, call: Call) -> Response:
        """The files of a table, in a version."""
        _check_format(call)
        asked = _asked(call.request.state.body)
        offer, table, states = self._table(call)
        if "startingVersion" in asked:
            raise _wrong(
                "startingVersion",
                "versions are dumps: files are not added to those of the version before",
                "ask for /changes",
            )
        is_past = bool({"version", "timestamp"} & asked.keys())
        state = _state(states, _number_in(asked, "version"), asked.get("timestamp"))
        hints = Hints(
            predicates=_texts_in(asked, "predicateHints"),
            json_predicate=_text_in(asked, "jsonPredicateHints"),
            limit=_number_in(asked, "limitHint"),
        )
        folder = offer.versions.folder / state.index.version
        files = hints.chosen(state.dump, folder)
        call.filters = sorted(asked.keys())
        addresses, expires = self._links(call, offer, [(state, file) for file in files])
        self._record(call, state, files)
        return _lines(
            state,
            [
                delta.protocol(),
                delta.metadata(offer, table, state, with_version=is_past),
                *(
                    delta.file_of_table(file, state, folder, address, expires, with_version=is_past)
                    for file, address in zip(files, addresses, strict=True)
                ),
            ],
        )

    def changes(self, call: Call) -> Response:
        """What has changed from one version to another, both included."""
        _check_format(call)
        offer, table, states = self._table(call)
        chosen = _range(states, dict(call.parameters))
        found = [
            (state, file)
            for state in chosen
            for file in _changes(state).files
            # Nothing has changed in a file without rows.
            if file.rows
        ]
        call.filters = sorted(dict(call.parameters))
        addresses, expires = self._links(call, offer, found)
        self._record(call, chosen[-1], [file for _, file in found])
        return _lines(
            chosen[0],
            [
                delta.protocol(),
                delta.metadata(offer, table, chosen[-1], with_version=False),
                *(
                    delta.file_of_changes(file, state, address, expires)
                    for (state, file), address in zip(found, addresses, strict=True)
                ),
            ],
        )

    def file(self, call: Call) -> Response:
        """A file that a link leads to."""
        link: Link = call.request.state.link
        call.media_type = _PARQUET
        if link.expires < time.time():
            raise Problem(problems.FORBIDDEN, "the link has expired", fix="ask for the table again")
        offer = self._offers.find(call.key.name, link.share)
        call.version = link.version
        if (file := offer.file(link.version, link.path)) is None:
            raise _gone()
        path = offer.versions.folder / link.version / link.path
        try:
            found = path.stat()
        except OSError as error:
            raise _gone() from error
        call.rows = file.rows
        headers = {**_HEADERS, "ETag": f'"{file.sha256}"'}
        return FileResponse(path, headers=headers, media_type=_PARQUET, stat_result=found)

    def _offer(self, call: Call) -> Offer:
        # Names are the same in upper and lower case.
        return self._offers.find(call.key.name, call.request.path_params["share"].lower())

    def _table(self, call: Call) -> tuple[Offer, str, tuple[State, ...]]:
        offer = self._offer(call)
        _check_schema(call)
        name = call.request.path_params["table"].lower()
        states = offer.tables.get(name)
        if states is None or not delta.is_readable(states[-1].dump):
            raise Problem(
                problems.NOT_FOUND,
                f"there is no table {name} in {offer.share.name}",
                fix="GET all-tables lists what there is",
            )
        return offer, name, states

    def _links(
        self, call: Call, offer: Offer, files: Sequence[tuple[State, File]]
    ) -> tuple[list[str], int]:
        """The addresses of files, and when they end, in seconds since 1970; their versions stay until then."""
        expires = int(time.time()) + seconds_to_read(file for _, file in files)
        try:
            for version in {state.index.version for state, _ in files}:
                self.holds.keep(offer.versions, version, expires)
        except OSError as error:
            raise UnavailableError(f"a version has just been removed: {error}") from error
        key = link_key()
        begin = f"{str(call.request.base_url).rstrip('/')}{PREFIX}/files/"
        links = [
            Link(call.key.key_id, offer.share.name, state.index.version, file.path, expires)
            for state, file in files
        ]
        return [begin + link.signed(key) for link in links], expires

    def _record(self, call: Call, state: State, files: Sequence[File]) -> None:
        call.version, call.media_type = state.index.version, _LINES
        call.columns = list(state.dump.columns)
        call.rows = sum(file.rows for file in files)
        record_download(state.index, state.dump, files, f"profile {call.key.key_id}")


def _told(handler: Handler) -> Handler:
    """A handler whose errors are those of requests."""

    def telling(call: Call) -> Response:
        try:
            return handler(call)
        except UnknownShareError as error:
            raise Problem(
                problems.NOT_FOUND, str(error), fix="GET shares lists what there is"
            ) from error
        except NotOfferedError as error:
            raise Problem(problems.FORBIDDEN, str(error), fix="") from error
        except (PolicyError, KeyFileError, RecordError, OSError) as error:
            raise UnavailableError(str(error)) from error

    return telling


def _nothing(_: Call) -> Response:
    raise Problem(problems.NOT_FOUND, "there is nothing at this address", fix="GET shares")


def _refusal(problem: Problem) -> Response:
    """The answer that tells a problem, as the protocol writes it."""
    advice = problem.type.advice if problem.fix is None else problem.fix
    content = {
        "errorCode": _CODES.get(problem.type, "INTERNAL_ERROR"),
        "message": f"{problem.detail}; {advice}" if advice else problem.detail,
    }
    headers = {**problem.headers, **_HEADERS}
    return JSONResponse(content, problem.type.status, headers=headers)


def _json(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers=_HEADERS, media_type="application/json; charset=utf-8")


def _lines(state: State, objects: list[dict[str, Any]]) -> Response:
    headers = {**_numbered(state), _CAPABILITIES: "responseformat=parquet"}
    return Response(delta.as_lines(objects), headers=headers, media_type=_LINES)


def _numbered(state: State) -> dict[str, str]:
    return {**_HEADERS, "Delta-Table-Version": str(state.number)}


def _page(call: Call, items: list[dict[str, str]]) -> Response:
    """A page of a list, in the order of names; the token of the next one names the last item of this one."""
    parameters = call.request.query_params
    most = _LONGEST_PAGE
    if "maxResults" in parameters:
        most = min(most, _number(parameters["maxResults"], "maxResults"))
    last = _last_of(parameters.get("pageToken") or "")
    rest = [item for item in sorted(items, key=lambda item: item["name"]) if item["name"] > last]
    shown = rest[:most]
    content: dict[str, Any] = {"items": shown}
    if len(rest) > most:
        after = shown[-1]["name"] if shown else last
        content["nextPageToken"] = base64.urlsafe_b64encode(f"after {after}".encode()).decode()
    call.rows = len(shown)
    return _json(content)


def _last_of(token: str) -> str:
    if not token:
        return ""
    try:
        text = base64.urlsafe_b64decode(token.encode("ascii")).decode()
    except ValueError:
        text = ""
    if not text.startswith("after "):
        raise _wrong("pageToken", "not one of ours", "give nextPageToken as it is")
    return text.removeprefix("after ")


def _check_schema(call: Call) -> None:
    name = call.request.path_params["schema"]
    if name.lower() != delta.SCHEMA:
        raise Problem(
            problems.NOT_FOUND,
            f"there is no schema {name}",
            fix=f"all tables are in {delta.SCHEMA}",
        )


def _check_format(call: Call) -> None:
    """The client must be able to read what is answered."""
    for capability in call.request.headers.get(_CAPABILITIES, "").lower().split(";"):
        name, _, values = capability.strip().partition("=")
        if name == "responseformat" and "parquet" not in values.split(","):
            raise _wrong(
                _CAPABILITIES,
                f"this server answers with responseformat=parquet, not {values}",
                "leave use_delta_format and responseFormat out",
            )


def _asked(body: bytes) -> dict[str, Any]:
    """The body of a query; what is null was not said."""
    if len(body) > MOST_BYTES:
        raise _wrong("body", f"more than {MOST_BYTES:,} bytes", "send fewer hints")
    try:
        content = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise _wrong("body", "not an object of JSON", "send {} to read all of the table")
    return {name: value for name, value in content.items() if value is not None}


def _number_in(asked: dict[str, Any], name: str) -> int | None:
    value = asked.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise _wrong(name, f"{value!r}", "write a whole number from 0")
    return value


def _text_in(asked: dict[str, Any], name: str) -> str | None:
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, "not a text", "write a text")
    return value


def _texts_in(asked: dict[str, Any], name: str) -> tuple[str, ...]:
    value = asked.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _wrong(name, "not a list of texts", "write a list of texts")
    return tuple(value)


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise _wrong(name, f"{text!r}", "write a whole number from 0")
    return int(text)


def _time(value: Any, name: str) -> datetime:
    """A time without a zone is UTC."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    wrong = _wrong(name, f"{value!r}", "write a time, as 2026-11-30 12:51:52, in UTC")
    if found is None:
        raise wrong
    try:
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        micros = (fraction or "")[:6].ljust(6, "0")
        text = f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:{second}.{micros}"
        at = datetime.fromisoformat(f"{text}{zone or 'Z'}")
        return at.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise wrong from None


def _state(states: tuple[State, ...], number: int | None, at: Any) -> State:
    """The version that was asked for; the newest one if none was."""
    if number is not None and at is not None:
        raise _wrong("version", "is given with timestamp", "give one of them")
    if number is not None:
        return _numbered_state(states, number, "version")
    if at is not None:
        return _last_until(states, _time(at, "timestamp"), "timestamp")
    return states[-1]


def _range(states: tuple[State, ...], parameters: dict[str, str]) -> tuple[State, ...]:
    """The versions whose changes were asked for, the oldest first."""
    for begin in ("starting", "ending"):
        if {f"{begin}Version", f"{begin}Timestamp"} <= parameters.keys():
            raise _wrong(f"{begin}Version", f"is given with {begin}Timestamp", "give one of them")
    if "startingVersion" in parameters:
        number = _number(parameters["startingVersion"], "startingVersion")
        first = _numbered_state(states, number, "startingVersion")
    elif "startingTimestamp" in parameters:
        at = _time(parameters["startingTimestamp"], "startingTimestamp")
        first = _first_since(states, at, "startingTimestamp")
    else:
        raise _wrong("startingVersion", "is missing", "say from which version on")
    last = states[-1]
    if "endingVersion" in parameters:
        number = _number(parameters["endingVersion"], "endingVersion")
        last = _numbered_state(states, number, "endingVersion")
    elif "endingTimestamp" in parameters:
        at = _time(parameters["endingTimestamp"], "endingTimestamp")
        last = _last_until(states, at, "endingTimestamp")
    chosen = tuple(each for each in states if first.number <= each.number <= last.number)
    if not chosen:
        raise _wrong("endingVersion", "is before startingVersion", "give a later one")
    return chosen


def _numbered_state(states: tuple[State, ...], number: int, name: str) -> State:
    for state in states:
        if state.number == number:
            return state
    there = ", ".join(str(state.number) for state in states)
    raise _wrong(name, f"version {number} is not here", f"there are {there}")


def _last_until(states: tuple[State, ...], at: datetime, name: str) -> State:
    found = [state for state in states if state.at <= at]
    if not found:
        raise _wrong(name, "the versions of that time are gone", f"the first is of {states[0].at}")
    return found[-1]


def _first_since(states: tuple[State, ...], at: datetime, name: str) -> State:
    for state in states:
        if state.at >= at:
            return state
    raise _wrong(name, "there was no version since", f"the last one is of {states[-1].at}")


def _changes(state: State) -> Resource:
    """What has changed in a version: of the first one that ever was, everything is new."""
    if state.changes:
        return state.changes
    if state.is_first:
        return state.dump
    raise _wrong(
        "startingVersion",
        f"what has changed in version {state.number} cannot be told",
        f"load the table, and read changes from version {state.number + 1} on",
    )


def _gone() -> Problem:
    return Problem(
        problems.NOT_FOUND, "the file is not there any more", fix="ask for the table again"
    )


def _wrong(parameter: str, what: str, fix: str) -> Problem:
    return Problem(problems.INVALID_PARAMETER, f"{parameter}: {what}", parameter, fix)
