"""Lists of an HTTP API, page by page: each batch has the whole list, as the agency of prospects publishes it.

A list may change while it is read. So it counts only if all pages say the same total, if as many items came, and if no key came twice (as far as the
contract says where total and key are); otherwise it is read again. A page that has not changed since the last batch, by its ETag or its time, is taken from
the original that was kept with that batch.
"""

import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any
from urllib.parse import urlsplit

import httpx

from scripts.extract.errors import ExtractError
from scripts.extract.rows import Row, parse_json, value_at
from scripts.extract.staging import Staging, read_originals
from scripts.extract.state import Position
from scripts.extract.systems.base import Pending, Reader
from scripts.load.contracts import Feed

_ATTEMPTS = 8
_SECONDS_TO_ANSWER = 30.0
# A list that has changed each time it was read is given up.
_READINGS = 5
# Who asks for more patience is asked again another day.
_LONGEST_PAUSE = 600.0
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_HEADER = "header:"
# A token is renewed so many seconds before it expires.
_EARLY = 30.0


@dataclass(frozen=True)
class _Page:
    """A page as it was received; kept as an original.

    Attributes:
        url: which one.
        body: as text.
        etag: its version; None if it has none.
        last_modified: when it has changed; None if it does not say.
        link: the address of the next page, if a header says it.
        total: how many items the list has, if a header says it.
    """

    url: str
    body: str
    etag: str | None
    last_modified: str | None
    link: str | None
    total: str | None


class _Changed(Exception):
    """The list has changed while it was read."""


class ApiReader(Reader):
    """Reads lists; its position says in which batch each was read last."""

    _client: httpx.Client | None = None
    _token: tuple[str, float] | None = None

    def mark(self, position: Position | None) -> None:
        """Nothing: an API has no point in time to come back to."""

    def pending(self, position: Position | None) -> Pending:
        """Asks for the first page of each list; how much of it is new is known when all of it was read."""
        total = None
        for feed in self.feeds:
            page = self._get(feed, self._first_url(feed), None)
            declared = self._total(feed, page, self._body(page))
            total = None if declared is None else (total or 0) + declared
        return Pending("whole lists; what is new is known when they were read", rows=total)

    def read(self, staging: Staging, position: Position | None) -> tuple[Position, bool]:
        """Read the lists that come in this batch."""
        has_news = False
        batches = dict(position or {})
        for feed in self.feeds:
            if feed.comes_in(self.batch):
                has_news |= self._read_list(staging, feed, batches.get(feed.name))
                batches[feed.name] = self.batch
        return batches, has_news

    def rows(self, feed: Feed, original: Any) -> Iterable[Row]:
        """The items of a page."""
        return self._items(feed, parse_json(original["body"]))

    def close(self) -> None:
        """End the connections."""
        if self._client:
            self._client.close()

    def _read_list(self, staging: Staging, feed: Feed, last_batch: int | None) -> bool:
        """Read a list; returns whether any page is another than in the last batch."""
        kept = self._kept(feed, last_batch)
        for reading in range(1, _READINGS + 1):
            with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
                try:
                    total, has_news = self._collect(feed, kept, spool)
                except _Changed as change:
                    if reading == _READINGS:
                        raise self.error(
                            f"{feed.label}: the list has changed each of {_READINGS} times it was read: {change};"
                            " extract again when it is at rest"
                        ) from change
                    self.wait(reading)
                    continue
                spool.seek(0)
                staging.open_rows(feed)
                for line in spool:
                    page = json.loads(line)
                    staging.write(feed, page, self.rows(feed, page))
                staging.count(feed).system_rows = total
                return has_news
        raise AssertionError

    def _kept(self, feed: Feed, last_batch: int | None) -> dict[str, _Page]:
        """The pages that were kept with the last batch, by their addresses."""
        if last_batch is None:
            return {}
        folder = self.folder / f"Batch{last_batch}"
        pages = (_Page(**original) for original in read_originals(folder, feed))
        return {page.url: page for page in pages if page.etag or page.last_modified}

    def _collect(
        self, feed: Feed, kept: Mapping[str, _Page], spool: IO[str]
    ) -> tuple[int | None, bool]:
        """Write all pages of a list; returns its declared total, and whether any page is new."""
        totals: set[int | None] = set()
        keys: set[str] = set()
        count, has_news = 0, False
        for page, items, body in self._pages(feed, kept):
            totals.add(self._total(feed, page, body))
            has_news |= page is not kept.get(page.url)
            count += len(items)
            self._check_keys(feed, items, keys)
            spool.write(json.dumps(asdict(page)) + "\n")
        if len(totals) > 1:
            raise _Changed(f"pages declare {' and '.join(map(str, sorted(totals, key=str)))} items")
        (total,) = totals
        if total is not None and total != count:
            raise _Changed(f"{count} items came of {total} that it declares")
        return total, has_news

    def _check_keys(self, feed: Feed, items: list[Any], keys: set[str]) -> None:
        place = self._origin(feed, "key")
        for item in items if place else []:
            key = json.dumps(value_at(item, place)) if isinstance(item, dict) else ""
            if key in keys:
                raise _Changed(f"{place} {key} came twice")
            if key:
                keys.add(key)

    def _pages(
        self, feed: Feed, kept: Mapping[str, _Page]
    ) -> Iterator[tuple[_Page, list[Any], Any]]:
        """Each page with its items and its body."""
        url: str | None = self._first_url(feed)
        seen: set[str] = set()
        offset = 0
        while url:
            if url in seen:
                raise _Changed(f"page {without_query(url)} leads back to itself")
            seen.add(url)
            page = self._get(feed, url, kept.get(url))
            body = self._body(page)
            items = self._items(feed, body)
            yield page, items, body
            offset += len(items)
            url = self._next_url(feed, page, body, items, offset)

    def _first_url(self, feed: Feed) -> str:
        base = f"{self.address.rstrip('/')}/{self._origin(feed, 'path').lstrip('/')}"
        return self._with_parameters(
            feed, base, {"offset": "0"} if self._is_by_offset(feed) else {}
        )

    def _next_url(
        self, feed: Feed, page: _Page, body: Any, items: list[Any], offset: int
    ) -> str | None:
        pages = self._origin(feed, "pages")
        if pages == "link":
            if page.link and urlsplit(page.link)[:2] != urlsplit(self.address)[:2]:
                raise self.error(
                    f"the next page is on another server ({without_query(page.link)}), which must not have our credentials;"
                    f" set {self.system.address} to that server if it is right"
                )
            return page.link
        base = f"{self.address.rstrip('/')}/{self._origin(feed, 'path').lstrip('/')}"
        if pages == "cursor":
            cursor = value_at(body, self._origin(feed, "next")) if isinstance(body, dict) else None
            return self._with_parameters(feed, base, {"cursor": str(cursor)}) if cursor else None
        total = self._total(feed, page, body)
        if not items or (total is not None and offset >= total):
            return None
        return self._with_parameters(feed, base, {"offset": str(offset)})

    def _is_by_offset(self, feed: Feed) -> bool:
        return bool(self._origin(feed, "pages") == "offset")

    def _with_parameters(self, feed: Feed, base: str, given: dict[str, str]) -> str:
        names = self._origin(feed, "parameters") or {}
        if size := self._origin(feed, "page_size"):
            given = given | {"limit": str(size)}
        return str(
            httpx.URL(base).copy_merge_params(
                {names.get(role, role): value for role, value in given.items()}
            )
        )

    def _origin(self, feed: Feed, key: str) -> Any:
        return (feed.origin or {}).get(key)

    def _items(self, feed: Feed, body: Any) -> list[Any]:
        """The items of a page; what is no object is none, and is quarantined as it is."""
        place = self._origin(feed, "items")
        found = value_at(body, place) if place and isinstance(body, dict) else body
        if not isinstance(found, list):
            raise self.error(
                f"{feed.label}: there is no list at {place or 'the top'} of the answer; correct origin.items in its contract"
            )
        return [item if isinstance(item, dict) else json.dumps(item).encode() for item in found]

    def _total(self, feed: Feed, page: _Page, body: Any) -> int | None:
        place = self._origin(feed, "total")
        if not place:
            return None
        found = page.total if place.startswith(_HEADER) else value_at(body, place)
        try:
            return int(found)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise self.error(
                f"{feed.label}: there is no total at {place} of the answer; correct origin.total in its contract"
            ) from error

    def _body(self, page: _Page) -> Any:
        return parse_json(page.body)

    def _get(self, feed: Feed, url: str, kept: _Page | None) -> _Page:
        """A page; the kept one if it has not changed."""
        attempts = self.option("attempts", _ATTEMPTS)
        problem = ""
        for attempt in range(1, attempts + 1):
            pause = None
            try:
                answer = self._http().get(url, headers=self._headers(kept))
                if answer.status_code == 304 and kept:
                    return kept
                if answer.status_code == 200:
                    page = self._page(feed, url, answer)
                    # Cut short, it is no JSON.
                    self._body(page)
                    return page
                problem = f"{answer.status_code} {answer.reason_phrase}"
                if answer.status_code == 401 and self._token:
                    self._token = None
                elif answer.status_code not in _TRANSIENT:
                    raise self._refused(url, problem)
                pause = self._pause(answer)
            except (httpx.TransportError, httpx.DecodingError, ValueError) as error:
                problem = f"{type(error).__name__}: {error}"
            if attempt < attempts:
                self.wait(attempt, pause)
        raise self.error(
            f"{without_query(url)}: no answer in {attempts} attempts, the last one: {problem}; extract again when"
            " the system is well"
        )

    def _refused(self, url: str, problem: str) -> ExtractError:
        names = ", ".join(self.system.variables[1:]) or "no credentials"
        return self.error(
            f"{without_query(url)}: refused: {problem}; correct the path in the contract, or the credentials ({names})"
        )

    def _page(self, feed: Feed, url: str, answer: httpx.Response) -> _Page:
        link = answer.links.get("next", {}).get("url")
        place = str(self._origin(feed, "total") or "")
        return _Page(
            url,
            # Bytes that are no text are kept, so that only the rows that have them are quarantined.
            answer.content.decode(answer.encoding or "utf-8", "surrogateescape"),
            answer.headers.get("ETag"),
            answer.headers.get("Last-Modified"),
            str(answer.url.join(link)) if link else None,
            answer.headers.get(place.removeprefix(_HEADER)) if place.startswith(_HEADER) else None,
        )

    def _pause(self, answer: httpx.Response) -> float | None:
        """For how long the system asks to wait: seconds, or until a time."""
        given = answer.headers.get("Retry-After")
        if given is None:
            return None
        try:
            seconds = float(given)
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds()
            except (TypeError, ValueError):
                return None
        if seconds > _LONGEST_PAUSE:
            raise self.error(f"it asks to wait {seconds:.0f} seconds; extract again then")
        return max(0.0, seconds)

    def _http(self) -> httpx.Client:
        if self._client is None:
            self._client = httpx.Client(
                timeout=float(self.option("seconds_to_answer", _SECONDS_TO_ANSWER)),
                headers={"Accept": "application/json", "User-Agent": "brokerage-warehouse"},
            )
        return self._client

    def _headers(self, kept: _Page | None) -> dict[str, str]:
        headers = self._credentials()
        if kept and kept.etag:
            headers["If-None-Match"] = kept.etag
        elif kept and kept.last_modified:
            headers["If-Modified-Since"] = kept.last_modified
        return headers

    def _credentials(self) -> dict[str, str]:
        auth = self.option("auth", None)
        if auth is None:
            return {}
        if auth["kind"] == "key":
            return {auth["header"]: self.variable(auth["key"])}
        if auth["kind"] == "bearer":
            return {"Authorization": f"Bearer {self.variable(auth['token'])}"}
        if self._token is None or time.monotonic() > self._token[1]:
            self._token = self._new_token(auth)
        return {"Authorization": f"Bearer {self._token[0]}"}

    def _new_token(self, auth: Mapping[str, str]) -> tuple[str, float]:
        """A token for our credentials as a client (OAuth 2.0), and until when it holds."""
        answer = self._http().post(
            self.variable(auth["token_address"]),
            data={"grant_type": "client_credentials"},
            auth=(self.variable(auth["client_id"]), self.variable(auth["client_secret"])),
        )
        if answer.status_code in _TRANSIENT:
            raise httpx.TransportError(f"no token: {answer.status_code}")
        if answer.status_code != 200:
            raise self._refused(str(answer.url), f"{answer.status_code} {answer.reason_phrase}")
        body = answer.json()
        if not isinstance(body, dict) or "access_token" not in body:
            raise self.error(
                f"{without_query(str(answer.url))}: the answer has no access_token; correct {auth['token_address']}"
            )
        # Optional, and some servers write null or a text.
        try:
            lasts = float(body.get("expires_in") or 60) - _EARLY
        except (TypeError, ValueError):
            lasts = 0.0
        return body["access_token"], time.monotonic() + max(0.0, lasts)


def without_query(url: str) -> str:
    """An address without what may be secret in it: who asks, and the query."""
    found = httpx.URL(url)
    return str(found.copy_with(query=None, userinfo=b""))
