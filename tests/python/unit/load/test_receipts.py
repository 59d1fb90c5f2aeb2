"""Receipts make a load of nothing cheap, and never decide anything else."""

import json
import shutil
from pathlib import Path

import pytest
from sample_sources import load, write_sources

from scripts.fingerprint import fingerprint_lake
from scripts.load.lake import Lake


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return write_sources(tmp_path / "sources")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def receipts(lake: Path) -> Path:
    return lake / ".receipts.json"


def test_a_load_of_nothing_opens_no_parquet_file(
    sources: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(sources, lake)
    opened: list[str] = []
    footer = Lake.footer

    def noted(self: Lake, path: str) -> object:
        opened.append(path)
        return footer(self, path)

    monkeypatch.setattr(Lake, "footer", noted)
    assert load(sources, lake).exit_code == 0
    # The empty tables, and files that need not be there.
    others = [path for path in opened if "batch_id=0" not in path and "audit" not in path]
    assert others == []


@pytest.mark.parametrize("damage", ["removed", "cut", "changed", "not text"])
def test_without_sound_receipts_nothing_is_different(
    damage: str, sources: Path, lake: Path
) -> None:
    load(sources, lake)
    before = fingerprint_lake(lake)
    path = receipts(lake)
    content = path.read_bytes()
    match damage:
        case "removed":
            path.unlink()
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "changed":
            path.write_bytes(content.replace(b'"rows_landed": 5', b'"rows_landed": 6'))
        case _:
            path.write_bytes(b"\xff" + content)
    outcome = load(sources, lake)
    assert outcome.exit_code == 0
    assert fingerprint_lake(lake) == before
    assert path.read_bytes() == content


def test_a_lake_that_was_moved_is_judged_by_its_own_files(
    sources: Path, lake: Path, tmp_path: Path
) -> None:
    load(sources, lake)
    moved = Path(shutil.copytree(lake, tmp_path / "moved"))
    sound = fingerprint_lake(moved)
    (path,) = moved.glob("market/daily_market/batch_id=1/*.parquet")
    content = bytearray(path.read_bytes())
    content[4] ^= 1
    path.write_bytes(content)
    assert "damaged in the lake" in " ".join(load(sources, moved).output.split())
    assert fingerprint_lake(moved) == sound


def test_a_quarantine_that_nobody_wrote_is_removed(sources: Path, lake: Path) -> None:
    load(sources, lake)
    stray = lake / "control/quarantine/batch_id=1/market__daily_market.parquet"
    stray.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(lake / "control/quarantine/batch_id=0/quarantine.parquet", stray)
    load(sources, lake)
    assert not stray.exists()


def test_a_receipt_has_what_landed(sources: Path, lake: Path) -> None:
    load(sources, lake)
    found = json.loads(receipts(lake).read_text().partition("\n")[2])
    receipt = found["brokerage.trade 1"]
    assert receipt["files"][0]["rows_landed"] == 5
    assert receipt["sha256"].keys() == {"data", "log"}
