"""Keys of the API: who has one reads as a role until it expires or is revoked. The file holds hashes only.

Usage:
    store = KeyStore(Path("data/api_keys.json"))
    text, key = store.issue("reports", "analyst", days=90)
    store.find(text)

A key is 256 random bits, so one SHA-256 of it is enough: nobody can try all of them. The file is written beside and renamed, and can be read by its owner only.
A server that is running sees a change with the next request.
"""

import hashlib
import hmac
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from scripts.warehouse.clock import utc_now
from scripts.warehouse.files import open_locked, write_private

_PREFIX = "key"
_DIGEST = re.compile("[0-9a-f]{64}")


class KeyFileError(Exception):
    """The file of the keys cannot be read or written, or there is no such key: says what to do."""


@dataclass(frozen=True)
class Key:
    """A key, without its secret.

    Attributes:
        key_id: the part of the key that may be shown.
        name: who or what has it.
        role: that it reads as, such as `analyst`.
        digest: SHA-256 of the secret.
        issued_at: when, UTC.
        expires_at: when it ends, UTC.
        revoked_at: when it was revoked, UTC; None if it was not.
    """

    key_id: str
    name: str
    role: str
    digest: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> str:
        """`valid`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        return "valid" if now < self.expires_at else "expired"


def new_key(name: str, role: str, lifetime: timedelta) -> tuple[str, Key]:
    """A new key: its text, which is shown once, and what is kept of it."""
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    now = utc_now().replace(microsecond=0)
    key = Key(key_id, name, role, _digest(secret), now, now + lifetime)
    return f"{_PREFIX}_{key_id}_{secret}", key


class KeyStore:
    """Keys in a file, which need not exist yet; and those that live as long as this object."""

    def __init__(
        self, file: Path, clock: Callable[[], datetime] = utc_now, variable: str = "API_KEYS"
    ) -> None:
        self.file = file
        # Names the place of the file, for messages.
        self._variable = variable
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._keys: dict[str, Key] = {}
        self._own: dict[str, Key] = {}

    def find(self, text: str) -> Key | None:
        """The valid key of a text; None if there is none.

        Raises:
            KeyFileError: the file cannot be read.
        """
        prefix, _, rest = text.partition("_")
        key_id, _, secret = rest.partition("_")
        key = self._own.get(key_id) or self._current().get(key_id)
        # Compared in any case: whether the first part exists is not told by the time it takes.
        is_same = hmac.compare_digest(_digest(secret), key.digest if key else _digest(""))
        if key is None or prefix != _PREFIX or not is_same:
            return None
        return key if key.state(self._clock()) == "valid" else None

    def sent(self, authorization: str) -> Key | None:
        """The valid key of the header `Authorization` of a request; None if it has none.

        Raises:
            KeyFileError: the file cannot be read.
        """
        scheme, _, text = authorization.partition(" ")
        return self.find(text.strip()) if scheme.lower() == "bearer" else None

    def valid(self, key_id: str) -> Key | None:
        """The key of a number, if it is valid; for what was made with it and is signed.

        Raises:
            KeyFileError: the file cannot be read.
        """
        key = self._own.get(key_id) or self._current().get(key_id)
        return key if key and key.state(self._clock()) == "valid" else None

    def all(self) -> list[Key]:
        """Every key of the file, in the order in which they were issued.

        Raises:
            KeyFileError: the file cannot be read.
        """
        return list(self._current().values())

    def add_own(self, key: Key) -> None:
        """Accept a key that is written nowhere."""
        self._own[key.key_id] = key

    def issue(self, name: str, role: str, days: int) -> tuple[str, Key]:
        """A new key; its text is shown once.

        Raises:
            KeyFileError: the file cannot be written.
        """
        text, key = new_key(name, role, timedelta(days=days))
        with self._changed() as keys:
            keys[key.key_id] = key
        return text, key

    def revoke(self, key_id: str) -> Key:
        """End a key now; the same again changes nothing.

        Raises:
            KeyFileError: there is no such key, or the file cannot be written.
        """
        with self._changed() as keys:
            if key_id not in keys:
                raise KeyFileError(f"{key_id}: no such key in {self.file}; list them to see all")
            if keys[key_id].revoked_at is None:
                keys[key_id] = replace(keys[key_id], revoked_at=self._clock())
            return keys[key_id]

    def _current(self) -> dict[str, Key]:
        try:
            found = self.file.stat()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KeyFileError(f"{self.file}: {error.strerror}") from error
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            if stamp != self._stamp:
                self._keys, self._stamp = self._read(), stamp
            return self._keys

    def _read(self) -> dict[str, Key]:
        try:
            content = json.loads(self.file.read_text(encoding="utf-8"))
            return {each["key_id"]: _key(each) for each in content}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KeyFileError(f"{self.file}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise KeyFileError(
                f"{self.file}: is no file of keys ({error}); restore it, or delete it and issue new keys"
            ) from error

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Key]]:
        """The keys, to be changed; two programs do so one after the other."""
        try:
            with open_locked(self.file.with_name(f".{self.file.name}.lock"), waits=True):
                keys = self._read()
                yield keys
                self._write(list(keys.values()))
        except OSError as error:
            raise KeyFileError(
                f"{self.file}: cannot be written: {error.strerror}; set {self._variable} to another place"
            ) from error

    def _write(self, keys: list[Key]) -> None:
        content = json.dumps([asdict(key) for key in keys], indent=2, default=datetime.isoformat)
        write_private(self.file, content + "\n")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(values: dict[str, str | None]) -> Key:
    times = ("issued_at", "expires_at", "revoked_at")
    read = {
        name: datetime.fromisoformat(value) if name in times and value else value
        for name, value in values.items()
    }
    key = Key(**read)  # type: ignore[arg-type]
    is_text = all(isinstance(text, str) for text in (key.key_id, key.name, key.role))
    if not is_text or not _DIGEST.fullmatch(key.digest):
        raise ValueError(f"key {key.key_id} is not whole")
    # Compared with each other, so none may have a zone: a time is UTC.
    moments = (key.issued_at, key.expires_at, key.revoked_at or key.issued_at)
    if any(not isinstance(moment, datetime) or moment.tzinfo for moment in moments):
        raise ValueError(f"key {key.key_id}: times are UTC, without a zone")
    return key
