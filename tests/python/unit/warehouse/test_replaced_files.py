"""A file is replaced as a whole or not at all, and nothing is left beside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.warehouse.files import replacing, write_private

KILLED = """
import os, signal, sys
from pathlib import Path
from scripts.warehouse.files import replacing
with replacing(Path(sys.argv[1])) as beside:
    beside.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_file_is_what_it_was_until_the_block_is_left(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with replacing(file) as beside:
        beside.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_what_goes_wrong_leaves_the_file_and_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(ValueError, match="wrong"), replacing(file) as beside:
        beside.write_text("half")
        raise ValueError("wrong")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_program_has_left_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)
    assert file.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    with replacing(file) as beside:
        assert not beside.exists()
        beside.write_text("new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_readers_stay_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o640)
    with replacing(file) as beside:
        beside.write_text("new")
    assert mode_of(file) == 0o640


def test_a_private_file_is_private_from_the_beginning(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "file"
    write_private(file, "secret")
    assert (file.read_text(), mode_of(file)) == ("secret", 0o600)
    assert mode_of(file.parent) == 0o700
    file.chmod(0o644)
    with replacing(file, mode=0o600) as beside:
        assert mode_of(beside) == 0o600
        beside.write_text("another secret")
    assert mode_of(file) == 0o600


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError), replacing(tmp_path / "file") as beside:
        beside.write_text("new")
