"""A recipient finds out whether a version is from whom it should be."""

import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from scripts.share.__main__ import app
from scripts.share.build import Outcome
from scripts.share.checking import problems
from scripts.share.signing import SigningError, make_signing_key, signature_problem
from scripts.warehouse.workspace import ROOT
from tests.python.sharing import TABLE, World, envelope, people, written

pytestmark = pytest.mark.integration


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """A signed version."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DBT_TARGET", "duckdb")
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SHARE_KEYS", str(tmp_path / "keys"))
    done = CliRunner().invoke(app, ["make-signing-key"])
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "keys/signing.pub.pem") in done.output
    return built(tmp_path, "shares")


def built(tmp_path: Path, shares: str) -> Outcome:
    world = World(tmp_path)
    world.publish(people(Random(1), 20))
    table = {"table": TABLE, "columns": ["person_id", "region"]}
    share = written(tmp_path / "policies", envelope({"people": table}))
    return world.build(share, shares=tmp_path / shares)


def verified(folder: Path, key: Path) -> list[str]:
    done = CliRunner().invoke(app, ["verify", str(folder), "--public-key", str(key)])
    assert done.exit_code == (0 if "whole" in done.output else 1)
    return [] if done.exit_code == 0 else done.output.splitlines()


def test_a_signed_version_is_that_of_its_sender(build: Outcome, tmp_path: Path) -> None:
    key = tmp_path / "keys/signing.pub.pem"
    assert (tmp_path / "keys/signing.pem").stat().st_mode & 0o777 == 0o600
    assert list(problems(build.folder)) == []
    assert verified(build.folder, key) == []
    # Somebody changes a file, and makes index and checksums fit.
    (build.folder / "tables/people.csv.gz").write_bytes(b"other")
    sums = (build.folder / "SHA256SUMS").read_text()
    (build.folder / "SHA256SUMS").write_text(sums.replace("a", "b", 1))
    found = verified(build.folder, key)
    assert found[-1] == f"share: SHA256SUMS.sig: not made with the key that belongs to {key}"


def test_neither_another_key_nor_no_signature_will_do(
    build: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "keys/signing.pub.pem"
    monkeypatch.setenv("SHARE_KEYS", str(tmp_path / "other keys"))
    other = make_signing_key()
    problem = signature_problem(build.folder, other)
    assert problem is not None
    assert "not made with the key" in problem
    (build.folder / "SHA256SUMS.sig").unlink()
    assert list(problems(build.folder)) == []
    assert verified(build.folder, key) == ["share: SHA256SUMS.sig: No such file or directory"]
    done = CliRunner().invoke(
        app, ["verify", str(build.folder), "--public-key", str(tmp_path / "x")]
    )
    assert done.exit_code == 2
    with pytest.raises(SigningError, match="there is a key"):
        make_signing_key()


def test_the_same_version_has_the_same_signature(build: Outcome, tmp_path: Path) -> None:
    again = built(tmp_path, "again")
    name = "SHA256SUMS.sig"
    assert (again.folder / name).read_bytes() == (build.folder / name).read_bytes()


def test_a_signing_key_that_is_damaged_stops_the_build(build: Outcome, tmp_path: Path) -> None:
    (tmp_path / "keys/signing.pem").write_text("damaged")
    with pytest.raises(SigningError, match="cannot be used"):
        built(tmp_path, "again")
    assert not (tmp_path / "again/partner/people/current").exists()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_openssl_verifies_the_signature(build: Outcome, tmp_path: Path) -> None:
    page = (ROOT / "docs/sharing.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith("openssl ")]
    command = line.replace("signing.pub.pem", str(tmp_path / "keys/signing.pub.pem"))
    done = subprocess.run(
        ["bash", "-euc", command], cwd=build.folder, capture_output=True, text=True
    )
    assert "Signature Verified Successfully" in done.stdout, done.stderr
