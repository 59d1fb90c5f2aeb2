"""Who has read what: a line of JSON for each request with a key, in a file for each day. It names columns and operators, and never a value of a row or of a filter.

Usage:
    log = AuditLog(Path("data/runs") / FOLDER)
    log.write(Entry(...))
    seconds_of(Path("data/runs") / FOLDER, "/v1/models/attrition/infer", utc_now() - timedelta(days=1))

The file is beside the records of runs (RUNS). A line is written at once, before the answer is sent: what cannot be recorded is not read.
"""

import errno
import json
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime
from http import HTTPStatus
from pathlib import Path

from scripts.warehouse.clock import utc_now

FOLDER = "access"
# Of the end of the log, what is looked at: some ten thousand lines.
_LAST_BYTES = 4_000_000


class AuditError(Exception):
    """A line cannot be written: says where and why."""


@dataclass(frozen=True)
class Entry:
    """A request.

    Attributes:
        at: when it was answered, UTC.
        request_id: as in the header `X-Request-Id` of the answer.
        key_id: of the key.
        key_name: who or what has it.
        role: that it reads as.
        client: the address that the request came from.
        path: that was asked for, with the names of the parts of a key in place of their values; the name of a model is told.
        columns: of the answer.
        filters: by what rows were chosen, as `column.operator`.
        media_type: of the answer.
        version: that was read; None if nothing was.
        rows: of the answer; None if nothing was read.
        status: of the answer.
        seconds: that it took.
    """

    at: datetime
    request_id: str
    key_id: str
    key_name: str
    role: str
    client: str
    path: str
    columns: list[str]
    filters: list[str]
    media_type: str
    version: str | None
    rows: int | None
    status: int
    seconds: float


class AuditLog:
    """The lines of all days, in a folder that need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._file: int | None = None

    def write(self, entry: Entry) -> None:
        """Write a line.

        Raises:
            AuditError: it cannot be written.
        """
        line = (json.dumps(asdict(entry), default=datetime.isoformat) + "\n").encode()
        try:
            with self._lock:
                # One write of the whole line to the end of the file: lines of several servers do not mix.
                _append(self._opened(entry.at.date()), line)
        except OSError as error:
            raise self._problem(error) from error

    def check(self) -> None:
        """Make sure that lines can be written.

        Raises:
            AuditError: they cannot.
        """
        try:
            with self._lock:
                self._opened(utc_now().date())
        except OSError as error:
            raise self._problem(error) from error

    def close(self) -> None:
        """Close the file of the day."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file = None

    def _opened(self, day: date) -> int:
        path = self.folder / f"{day}.jsonl"
        if self._file is None or not _is_open_as(self._file, path):
            self.folder.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            if self._file is not None:
                os.close(self._file)
            self._file = file
        return self._file

    def _problem(self, error: OSError) -> AuditError:
        return AuditError(
            f"{self.folder}: who reads cannot be recorded: {error.strerror};"
            " set RUNS to a folder that can be written"
        )


def infer_path(name: str) -> str:
    """The path of a model that is asked, here and in the log."""
    return f"/v1/models/{name}/infer"


def seconds_of(folder: Path, path: str, since: datetime) -> list[float]:
    """How long the last answers of a path took that were right, as far as the end of the log tells; lines that are not whole do not count.

    Args:
        folder: of the log; it need not exist.
        path: as `Entry.path`.
        since: UTC.

    Raises:
        AuditError: a file cannot be read.
    """
    found = []
    try:
        for file in sorted(folder.glob("*.jsonl"))[-2:]:
            for line in _last_lines(file):
                with suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    is_counted = entry["path"] == path and entry["status"] == HTTPStatus.OK
                    if is_counted and datetime.fromisoformat(entry["at"]) >= since:
                        found.append(float(entry["seconds"]))
    except OSError as error:
        raise AuditError(
            f"{folder}: cannot be read: {error.strerror}; only who serves the API may read it"
        ) from error
    return found


def _last_lines(file: Path) -> list[bytes]:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - _LAST_BYTES))
        return stream.read().splitlines()


def _append(file: int, line: bytes) -> None:
    """Write a line as a whole; a disk that becomes full takes a part of it without an error."""
    if os.write(file, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _is_open_as(file: int, path: Path) -> bool:
    """Whether an open file still has this name: somebody may have removed it, or moved it away."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
