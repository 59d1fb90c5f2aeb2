"""What has been delivered: complete or not, changed or not."""

import os
from pathlib import Path

import fsspec
import pytest
from sample_sources import FEEDS

from scripts.load.contracts import Contracts
from scripts.load.deliveries import Delivery, deliveries
from scripts.load.run import CONTRACTS_FOLDER, read_contracts
from scripts.load.sources import SourceFolder

CONTRACTS = read_contracts(CONTRACTS_FOLDER)


@pytest.fixture
def delivered(small_dataset: Path, tmp_path: Path) -> Path:
    """A folder with links to the files of the small dataset: what is written to it leaves the dataset alone."""
    for file in small_dataset.rglob("*"):
        if file.is_file():
            link = tmp_path / "sources" / file.relative_to(small_dataset)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)
    return tmp_path / "sources"


def look(folder: Path) -> dict[int, Delivery]:
    found = deliveries(SourceFolder(str(folder)), CONTRACTS)
    return {delivery.batch: delivery for delivery in found}


def test_every_batch_with_all_files_that_its_contracts_require_is_complete(delivered: Path) -> None:
    found = look(delivered)
    assert list(found) == [1, 2, 3]
    assert all(delivery.is_complete for delivery in found.values())


def test_each_required_feed_is_named_until_its_file_comes(delivered: Path) -> None:
    files = sorted(path for path in (delivered / "Batch2").iterdir())
    before = look(delivered)
    gone = {path: path.readlink() for path in files}
    for path in files[1:]:
        path.unlink()
    missing = look(delivered)[2].missing
    required = [feed for feed in CONTRACTS.feeds if feed.required and feed.comes_in(2)]
    assert 0 < len(missing) <= len(required)
    for path in files[1:]:
        path.symlink_to(gone[path])
    assert look(delivered) == before


def test_a_missing_file_is_named_with_its_feed_and_place(delivered: Path) -> None:
    (delivered / "Batch3" / "Trade.txt").unlink()
    found = look(delivered)
    assert found[3].missing == ("brokerage.trade (Batch3/Trade.txt)",)
    assert found[2].is_complete


def test_a_feed_of_the_first_batch_is_not_missing_later(delivered: Path) -> None:
    (delivered / "Batch1" / "HR.csv").unlink()
    found = look(delivered)
    assert [name for name in found[1].missing if "HR.csv" in name]
    assert found[2].is_complete


@pytest.mark.parametrize("change", ["content", "time", "one more", "one less", "another name"])
def test_any_change_of_the_files_of_a_batch_changes_its_digest_and_no_other(
    delivered: Path, change: str
) -> None:
    before = look(delivered)
    file = delivered / "Batch2" / "Trade.txt"
    content = file.read_bytes()
    file.unlink()
    match change:
        case "content":
            file.write_bytes(content + b"\n")
        case "time":
            file.write_bytes(content)
            os.utime(file, (0, 0))
        case "one more":
            file.write_bytes(content)
            (delivered / "Batch2" / "nobody_knows.txt").touch()
        case "another name":
            file.with_name("trade.txt").write_bytes(content)
    after = look(delivered)
    assert after[2].digest != before[2].digest
    assert (after[1], after[3]) == (before[1], before[3])


def test_looking_again_changes_nothing(delivered: Path) -> None:
    assert look(delivered) == look(delivered)


def test_a_replaced_object_of_a_store_changes_the_digest() -> None:
    store = fsspec.filesystem("memory")
    contracts = Contracts(tuple(FEEDS.values()), ())

    def digest() -> str:
        (delivery,) = deliveries(SourceFolder("memory://deliveries"), contracts)
        return delivery.digest

    store.pipe_file("/deliveries/Batch1/a.txt", b"one")
    first = digest()
    assert digest() == first
    store.pipe_file("/deliveries/Batch1/a.txt", b"two")
    assert digest() != first
