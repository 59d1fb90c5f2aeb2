"""All programs run from any folder, without a warehouse around them."""

import subprocess
import sys
from pathlib import Path

import pytest


def run(program: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"brokerage_sources.{program}", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("program", ["generate", "verify", "truth"])
def test_a_program_explains_itself(program: str, tmp_path: Path) -> None:
    shown = run(program, "--help", folder=tmp_path)
    assert shown.returncode == 0
    assert f"python -m brokerage_sources.{program}" in shown.stdout


def test_what_one_program_generates_the_other_finds_sound(tmp_path: Path) -> None:
    written = run("generate", "--scale-factor", "0.01", "--output", "sources", folder=tmp_path)
    assert written.returncode == 0, written.stderr
    checked = run("verify", "sources", folder=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.rstrip().endswith("checks OK, 0 failed")
