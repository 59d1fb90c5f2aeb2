"""Takes the current version of a share to where its recipient wants it: a folder or a bucket, tables of another Postgres, or a Redis.

Usage:
    delivered = deliver(share.destination, versions, index)
    version = delivered_version(share.destination, share.label)
    withdraw(share.destination, share.label)

The address says which kind it is. Whoever reads there finds a whole version at any time: the one before, until all of the new one is there. A delivery that was
interrupted goes on where it stopped. A destination that does not answer is tried again for a while.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from scripts.share.checking import problems
from scripts.share.index import Index
from scripts.share.policies import POSTGRES, REDIS, scheme_of
from scripts.share.versions import ShareVersions

# How long to wait before each further attempt.
WAITS = (1.0, 4.0, 15.0)

Answer = TypeVar("Answer")


class DestinationError(Exception):
    """A version cannot be taken to its destination, which keeps what it had: says why."""


@dataclass(frozen=True)
class Delivered:
    """What is at the destination now.

    Attributes:
        version: its name.
        parts: files or rows of the version.
        sent: how many of them were sent just now.
        unit: what they are.
    """

    version: str
    parts: int
    sent: int
    unit: str

    @property
    def text(self) -> str:
        """In one line."""
        return f"{self.version}: {self.parts:,} {self.unit}, {self.sent:,} sent"


class Destination(ABC):
    """Where the versions of a share are taken to."""

    @abstractmethod
    def deliver(self, versions: ShareVersions, index: Index) -> Delivered:
        """Take the current version there, and remove there what is not kept; see `deliver`."""

    @abstractmethod
    def delivered_version(self) -> str | None:
        """The version that is there; None if there is none, or none that can be understood."""

    @abstractmethod
    def withdraw(self) -> None:
        """Remove all of the share."""


def deliver(
    destination: str, versions: ShareVersions, index: Index, key: str | None = None
) -> Delivered:
    """Take the current version of a share to its destination; hold the lock.

    Args:
        destination: a path or URI.
        versions: of the share.
        index: of the current version.
        key: the public key that files are encrypted to; None if they are not.

    Raises:
        DestinationError: the version is damaged, or the destination cannot be written.
    """
    folder = versions.folder / index.version
    if damage := list(problems(folder)):
        raise DestinationError(f"{folder}: not sent, because it is damaged: {damage[0]}")
    return _at(destination, index.label, key).deliver(versions, index)


def delivered_version(destination: str, share: str) -> str | None:
    """The version that a destination has; None if there is none, or none that can be understood.

    Args:
        destination: a path or URI.
        share: its label.

    Raises:
        DestinationError: the destination cannot be read.
    """
    return _at(destination, share).delivered_version()


def withdraw(destination: str, share: str) -> None:
    """Remove all of a share from a destination.

    Args:
        destination: a path or URI.
        share: its label.

    Raises:
        DestinationError: it cannot be removed.
    """
    _at(destination, share).withdraw()


def tried(destination: str, action: Callable[[], Answer]) -> Answer:
    """Do something, again after a while if it fails: each kind of destination has errors of its own.

    Raises:
        DestinationError: it fails again and again; or the action has raised it.
    """
    for wait in (*WAITS, None):
        try:
            return action()
        except DestinationError:
            raise
        except Exception as error:
            if wait is None:
                text = " ".join(str(error).split()) or type(error).__name__
                raise DestinationError(
                    f"{destination}: tried {len(WAITS) + 1} times: {text};"
                    " what was there is still there. Deliver again when it answers"
                ) from error
        time.sleep(wait)
    raise AssertionError("unreachable")


def _at(destination: str, share: str, key: str | None = None) -> Destination:
    scheme = scheme_of(destination)
    try:
        if scheme in POSTGRES:
            from scripts.share.destination_postgres import PostgresTables

            return PostgresTables(destination, share)
        if scheme in REDIS:
            from scripts.share.destination_redis import RedisHashes

            return RedisHashes(destination, share)
    except ValueError as error:
        raise DestinationError(f"{destination}: not an address: {error}") from error
    from scripts.share.destination_files import Files

    return Files(destination, key)
