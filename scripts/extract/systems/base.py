"""What all kinds of system have in common: how they are asked, and for what."""

import os
import random
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from scripts.extract.errors import ExtractError
from scripts.extract.rows import Row
from scripts.extract.staging import Staging
from scripts.extract.state import Position
from scripts.load.contracts import Feed
from scripts.load.origins import System

T = TypeVar("T")
Method = TypeVar("Method", bound=Callable[..., Any])

_LONGEST_WAIT = 60.0
_ATTEMPTS = 5
# What another attempt does not change.
_FINAL = (FileNotFoundError, PermissionError)
# In an address: who asks, and with which password.
_USER = re.compile(r"(?<=://)[^/@\s]*@")


@dataclass(frozen=True)
class Pending:
    """What a system has that was not read yet.

    Attributes:
        text: in words.
        rows: how many; None if it does not say.
        bytes: how many; None if it does not say.
    """

    text: str
    rows: int | None = None
    bytes: int | None = None


class Reader(ABC):
    """Reads one system for one batch: `mark`, `read`, and when the batch is in place, `confirm`.

    Attributes:
        system: what its contract says.
        feeds: what is read from it for this batch.
        batch: the batch.
        retries: how often something was asked for again.
        warnings: what people should look at.
        lag: what the system had that was not read yet, at the mark.
        sleep: waits so many seconds.
        folder: of the batches, with what earlier ones have kept.
    """

    folder: Path = Path()
    lag = Pending("")
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def __init__(self, system: System, feeds: Sequence[Feed], batch: int) -> None:
        self.system = system
        self.feeds = tuple(feeds)
        self.batch = batch
        self.retries = 0
        self.warnings: list[str] = []
        self._random = random.Random()

    @abstractmethod
    def mark(self, position: Position | None) -> None:
        """Note what is there now. What comes later is for the next batch; all systems are marked before the first one is read.

        Raises:
            ExtractError: the system cannot be reached, or no longer has what comes after the position.
        """

    @abstractmethod
    def read(self, staging: Staging, position: Position | None) -> tuple[Position, bool]:
        """Read what is new, up to the mark; returns where to go on, and whether there was anything.

        Raises:
            ExtractError: it cannot be read.
        """

    @abstractmethod
    def pending(self, position: Position | None) -> Pending:
        """What `read` would find now; nothing is changed.

        Raises:
            ExtractError: the system cannot be reached.
        """

    def rows(self, feed: Feed, original: Any) -> Iterable[Row]:
        """The rows of a feed in one of the originals that are kept.

        Raises:
            NotImplementedError: the system holds files, which are originals themselves.
        """
        raise NotImplementedError

    def confirm(self, position: Position) -> None:
        """Tell the system that what comes before the position is in place, if it wants to know."""
        return

    def close(self) -> None:
        """End the connection, if there is one."""
        return

    def error(self, text: str) -> ExtractError:
        """The error of this system, without what is secret."""
        for name in self.system.variables:
            if value := os.environ.get(name):
                text = text.replace(value, name)
        return ExtractError(f"{self.system.name}: {without_secrets(text)}")

    def variable(self, name: str) -> str:
        """The value of a variable that the contract names.

        Raises:
            ExtractError: it is not set.
        """
        value = os.environ.get(name, "")
        if not value:
            raise self.error(
                f"{name} is not set: it has the address or a credential of {self.system.name} (docs/extract.md); to read other systems only, name them with --system"
            )
        return value

    @property
    def address(self) -> str:
        """Where the system is."""
        return self.variable(self.system.address)

    def option(self, name: str, default: Any) -> Any:
        """What the contract says about the system."""
        return self.system.options.get(name, default)

    def wait(self, attempt: int, seconds: float | None = None) -> None:
        """Wait before an attempt that is not the first: as long as the system asks for, or else longer each time, and never all at once."""
        self.retries += 1
        longest = min(_LONGEST_WAIT, 0.5 * 2.0**attempt)
        self.sleep(seconds if seconds is not None else self._random.uniform(0, longest))

    def patiently(
        self, ask: Callable[[], T], errors: tuple[type[Exception], ...], attempts: int = _ATTEMPTS
    ) -> T:
        """Ask, and again if there is no answer.

        Raises:
            ExtractError: there is none after all attempts.
        """
        for attempt in range(1, attempts + 1):
            try:
                return ask()
            except errors as error:
                problem = f"{self.system.address}: {str(error) or type(error).__name__}"
                if isinstance(error, _FINAL):
                    raise self.error(
                        f"{problem}; correct the variable, or the rights of who asks"
                    ) from error
                if attempt == attempts:
                    raise self.error(
                        f"{problem} (in each of {attempts} attempts); extract again when the system is well"
                    ) from error
            self.wait(attempt)
        raise AssertionError


def told(*errors: type[Exception]) -> Callable[[Method], Method]:
    """Let a method of a reader tell in one line, as an ExtractError, what its client raises."""

    def decorate(method: Method) -> Method:
        @wraps(method)
        def telling(self: Reader, *arguments: Any) -> Any:
            try:
                return method(self, *arguments)
            except errors as error:
                raise self.error(
                    f"{self.system.address}: {str(error) or type(error).__name__}; extract again when the system is well"
                ) from error

        return cast(Method, telling)

    return decorate


def without_secrets(text: str) -> str:
    """The text in one line, without what stands before the host in an address."""
    return " ".join(_USER.sub("***@", text).split())
