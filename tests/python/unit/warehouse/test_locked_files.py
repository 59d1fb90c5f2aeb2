"""A file that is open for one is locked for all others, until it is closed."""

import errno
import fcntl
import threading
from pathlib import Path

import pytest

from scripts.warehouse.files import NotLockableError, open_locked


def test_a_second_one_is_refused_until_the_first_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / ".lock"
    with open_locked(path) as first:
        first.write("first")
        with pytest.raises(BlockingIOError):
            open_locked(path)
    with open_locked(path) as second:
        second.seek(0)
        assert second.read() == "first"


def test_who_waits_has_it_as_soon_as_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    had: list[str] = []

    def wait() -> None:
        with open_locked(path, waits=True):
            had.append("second")

    with open_locked(path):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.2)
        had.append("first")
    thread.join()
    assert had == ["first", "second"]


def test_a_disk_without_locks_is_told_from_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="") as refused:
        open_locked(tmp_path / "file" / ".lock")
    assert not isinstance(refused.value, NotLockableError)

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(NotLockableError, match="No locks available"):
        open_locked(tmp_path / ".lock")
