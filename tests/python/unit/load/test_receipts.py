"""Receipts make a load of nothing cheap, and never decide anything else."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from sample_sources import load, write_sources

from scripts.fingerprint import fingerprint_lake
from scripts.load.lake import Lake
from scripts.load.receipts import Receipt, Receipts


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
    # The empty tables, files that need not be there, and the records of both loads.
    expected = ("batch_id=0", "audit", "/operations/")
    others = [path for path in opened if not any(word in path for word in expected)]
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


RECEIPT = Receipt("contract", [{"source_file": "Batch1/HR.csv"}], {"data": "1", "log": "2"})


@pytest.fixture
def empty(lake: Path) -> Lake:
    lake.mkdir()
    return Lake(str(lake))


def digest(receipts: Receipts, computed: str) -> str:
    return receipts.digest("hr.employee", 1, lambda: computed)


def test_a_digest_is_computed_once(empty: Lake) -> None:
    first = Receipts(empty)
    first.put("hr.employee", 1, RECEIPT)
    assert [digest(first, computed) for computed in ("a", "b")] == ["a", "a"]
    first.save()
    second = Receipts(empty)
    second.confirm("hr.employee", 1)
    assert digest(second, "b") == "a"


def test_a_receipt_that_was_not_compared_with_the_lake_gives_no_digest(empty: Lake) -> None:
    first = Receipts(empty)
    assert [digest(first, computed) for computed in ("a", "b")] == ["a", "b"]
    first.put("hr.employee", 1, RECEIPT)
    digest(first, "a")
    first.save()
    assert digest(Receipts(empty), "b") == "b"


@pytest.mark.parametrize("landed", [RECEIPT, None], ids=["certain", "uncertain"])
def test_what_lands_again_gets_a_new_digest(landed: Receipt | None, empty: Lake) -> None:
    receipts = Receipts(empty)
    receipts.put("hr.employee", 1, RECEIPT)
    digest(receipts, "a")
    receipts.put("hr.employee", 1, landed)
    assert digest(receipts, "b") == "b"


@pytest.mark.parametrize(
    ("field", "is_known"), [("", True), (', "digest": "", "colour": "red"', False)]
)
def test_receipts_of_another_version_only_take_time(
    field: str, is_known: bool, sources: Path, lake: Path
) -> None:
    load(sources, lake)
    path = receipts(lake)
    content = path.read_text().partition("\n")[2].rstrip("\n").replace(', "digest": ""', field)
    assert '"digest": ""}' not in content
    path.write_text(f"{hashlib.sha256(content.encode()).hexdigest()}\n{content}\n")
    assert (Receipts(Lake(str(lake))).find("hr.employee", 1) is not None) == is_known
    assert load(sources, lake).exit_code == 0
    found = Receipts(Lake(str(lake))).find("hr.employee", 1)
    assert found is not None
    assert found.digest == ""
