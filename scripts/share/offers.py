"""What a recipient may have now, of the versions that are there: its shares, their tables, and the history of each table.

Usage:
    offers = Offers(declarations)
    for offer in offers.of("market_research"):
        print(offer.share.name, sorted(offer.tables))
    history = offers.find("market_research", "trading_activity").tables["trades"]

A share is offered while its policy keeps the rules, is approved today, and is not revoked. Of a table, those versions are offered that were built by what the policy says of it now:
a column that was taken out of the policy is not given any more, and a table is offered again once it was built.
"""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.serve.declarations import Declarations
from scripts.share.build import RefusedError, refuse
from scripts.share.dumps import File
from scripts.share.index import CHANGES, DUMP, Index, Resource
from scripts.share.policies import FOLDER, Share, SharedTable, read_shares
from scripts.share.rules import FILE, Rules, read_rules
from scripts.share.versions import ShareVersions
from scripts.warehouse.clock import utc_now


class NotOfferedError(Exception):
    """A share of the recipient is not given now."""


class UnknownShareError(Exception):
    """The recipient has no such share; whether another one has it is not told."""


@dataclass(frozen=True)
class State:
    """A table in a version.

    Attributes:
        index: of the version.
        number: of the version.
        at: when it was published; not before the version before. UTC.
        dump: all its rows.
        changes: since the version before; None if they cannot be told.
    """

    index: Index
    number: int
    at: datetime
    dump: Resource
    changes: Resource | None

    @property
    def is_first(self) -> bool:
        """Whether there was no version before: then all its rows are new."""
        return self.number == 1

    @property
    def milliseconds(self) -> int:
        """When it was published, in milliseconds since 1970."""
        return round(self.at.replace(tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True)
class Offer:
    """A share that a recipient may have now.

    Attributes:
        share: its policy.
        versions: the folder of its versions.
        tables: the states of each table, the oldest first, at least one.
    """

    share: Share
    versions: ShareVersions
    tables: dict[str, tuple[State, ...]]

    def file(self, version: str, path: str) -> File | None:
        """A file of a version, which need not follow from the current one any more; None if it is gone, or is not given."""
        if (index := self.versions.index(version)) is None:
            return None
        for resource in index.resources:
            if _is_as_now(index, self.share.tables.get(resource.table)):
                for file in resource.files:
                    if file.path == path:
                        return file
        return None


class Offers:
    """What recipients may have. For any number of threads."""

    def __init__(
        self, declarations: Declarations, policies: Path = FOLDER, rules: Path = FILE
    ) -> None:
        self._declarations = declarations
        self._policies = policies
        self._rules_file = rules
        self._lock = threading.Lock()
        self._stamps: list[tuple[str, int, int]] | None = None
        self._shares: list[Share] = []
        self._rules: Rules | None = None

    def of(self, recipient: str) -> list[Offer]:
        """The shares that a recipient may have now, by name.

        Raises:
            PolicyError: a policy cannot be understood.
        """
        shares, rules = self._current()
        found = []
        for share in shares:
            if share.recipient == recipient and (offer := self._offer(share, rules)):
                found.append(offer)
        return found

    def find(self, recipient: str, name: str) -> Offer:
        """A share of a recipient.

        Raises:
            UnknownShareError: it has none of this name.
            NotOfferedError: it may not have it now.
            PolicyError: a policy cannot be understood.
        """
        shares, rules = self._current()
        for share in shares:
            if (share.recipient, share.name) == (recipient, name):
                if offer := self._offer(share, rules):
                    return offer
                raise NotOfferedError(
                    f"{name} is not given now: its approval has ended, or it was revoked or stopped; ask {share.owner}"
                )
        raise UnknownShareError(f"there is no share {name}")

    def _offer(self, share: Share, rules: Rules) -> Offer | None:
        versions = ShareVersions.of(share.recipient, share.name)
        try:
            refuse(share, rules, self._declarations, versions, utc_now().date())
        except RefusedError:
            return None
        return Offer(share, versions, _states(share, versions))

    def _current(self) -> tuple[list[Share], Rules]:
        """The policies and rules, which are read again when a file has changed."""
        stamps = [
            (file.name, file.stat().st_mtime_ns, file.stat().st_size)
            for file in sorted({*self._policies.glob("*.yml"), self._rules_file})
            if file.exists()
        ]
        with self._lock:
            if stamps != self._stamps or self._rules is None:
                self._rules = read_rules(self._rules_file)
                self._shares = read_shares(self._policies)
                self._stamps = stamps
            return self._shares, self._rules


def _states(share: Share, versions: ShareVersions) -> dict[str, tuple[State, ...]]:
    history = list(versions.history())[::-1]
    times = _times(history)
    found = {}
    for name, table in share.tables.items():
        states: list[State] = []
        for index, at in zip(history, times, strict=True):
            if _is_as_now(index, table):
                states.append(_state(index, at, name))
            else:
                # Built by another policy: what was before does not count either.
                states.clear()
        if states:
            found[name] = tuple(states)
    return found


def _is_as_now(index: Index, table: SharedTable | None) -> bool:
    """Whether a version has what the policy says of a table today."""
    return table is not None and index.policy.get("tables", {}).get(table.name) == table.digest


def _state(index: Index, at: datetime, table: str) -> State:
    dump = index.resource(table, DUMP)
    assert dump is not None
    return State(index, index.number, at, dump, index.resource(table, CHANGES))


def _times(history: list[Index]) -> list[datetime]:
    """When each version was published, the oldest first; one that was built from an older published version is as late as the one before."""
    times: list[datetime] = []
    for index in history:
        at = datetime.fromisoformat(index.source["published_at"])
        at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
        times.append(max(at, times[-1]) if times else at)
    return times
