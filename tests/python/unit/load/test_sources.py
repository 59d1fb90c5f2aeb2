"""The source folder: which files belong to which feed, and how they are opened."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from sample_sources import FEEDS, feed_of

from scripts.load.contracts import Contracts
from scripts.load.rows import FileError
from scripts.load.sources import SourceFile, SourceFolder, SourceFolderError


def folder_with(path: Path, *names: str, content: bytes = b"x\n") -> SourceFolder:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return SourceFolder(str(path))


def names(files: list[SourceFile]) -> list[str]:
    return [file.name for file in files]


def contents(folder: SourceFolder, file: SourceFile) -> bytes:
    with folder.open(file) as stream:
        return stream.read()


def test_batches_are_found_by_their_folders(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "Batch10/a", "Batch2/a", "Batch1/a", "Other3/a", "Batch4.txt")
    assert folder.batches == [1, 2, 10]


def test_batches_are_counted_from_1_without_zeros_in_front(tmp_path: Path) -> None:
    """Batch 0 of the lake holds the empty tables."""
    folder = folder_with(tmp_path, "Batch0/a", "Batch02/a", "Batch1/a")
    assert folder.batches == [1]
    assert names(folder.unknown_files(Contracts((), ("Batch1/a",)))) == ["Batch0/a", "Batch02/a"]


def test_a_batch_of_any_number_costs_no_more_than_its_files(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "Batch1/Trade.txt", "Batch20170709/Trade.txt", "Batch3/x")
    assert folder.batches == [1, 3, 20_170_709]
    assert names(folder.files_of(FEEDS["brokerage.trade"], 20_170_709)) == [
        "Batch20170709/Trade.txt"
    ]
    assert names(folder.unknown_files(Contracts(tuple(FEEDS.values()), ()))) == ["Batch3/x"]


def test_a_batch_whose_number_does_not_fit_is_one_problem(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "Batch1/a", "Batch3000000000/a", "Batch3000000000/b")
    assert folder.batches == [1]
    assert names(folder.files) == ["Batch1/a"]
    assert folder.problems == [
        "Batch3000000000: the number of a batch is at most 2147483647; rename the folder"
    ]


def test_linked_folders_and_files_are_read(tmp_path: Path) -> None:
    folder_with(tmp_path / "other", "Batch9/Trade.txt", "Batch9/deeper/x")
    folder_with(tmp_path / "sources", "Batch1/Trade.txt")
    (tmp_path / "sources/Batch2").symlink_to(tmp_path / "other/Batch9")
    (tmp_path / "sources/Batch1/HR.csv").symlink_to(tmp_path / "other/Batch9/Trade.txt")
    folder = SourceFolder(str(tmp_path / "sources"))
    assert names(folder.files) == [
        "Batch1/HR.csv",
        "Batch1/Trade.txt",
        "Batch2/Trade.txt",
        "Batch2/deeper/x",
    ]
    assert [contents(folder, file) for file in folder.files] == [b"x\n"] * 4


def test_a_link_to_a_folder_above_it_is_left_out(tmp_path: Path) -> None:
    folder_with(tmp_path, "Batch1/Trade.txt")
    (tmp_path / "Batch1/round").symlink_to(tmp_path)
    (tmp_path / "Batch2").symlink_to(tmp_path / "Batch1")
    (tmp_path / "here").symlink_to(".")
    assert names(SourceFolder(str(tmp_path)).files) == ["Batch1/Trade.txt", "Batch2/Trade.txt"]


def test_a_link_that_leads_nowhere_is_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    folder_with(tmp_path, "Batch1/Trade.txt")
    (tmp_path / "Batch1/HR.csv").symlink_to(tmp_path / "gone")
    file, _ = SourceFolder(str(tmp_path)).files
    assert (file.name, file.bytes) == ("Batch1/HR.csv", 0)
    with pytest.raises(OSError, match="No such file"):
        contents(SourceFolder(str(tmp_path)), file)


def test_a_name_that_is_not_utf_8_is_one_problem(tmp_path: Path) -> None:
    folder_with(tmp_path, "Batch1/Trade.txt", "Batch1/FINWIRE1967Q\udcff", "Batch\udcfe/x")
    folder = SourceFolder(str(tmp_path))
    assert names(folder.files) == ["Batch1/Trade.txt"]
    assert folder.problems == [
        "Batch1/FINWIRE1967Q\\xff: the name is not UTF-8; rename the file",
        "Batch\\xfe/x: the name is not UTF-8; rename the file",
    ]


@pytest.mark.parametrize(
    "place", ["a*b", "a?b", "a[1]", "a::b", "a%20b", "it's", 'a"b', "\u00fc b"]
)
def test_a_folder_may_have_any_name(place: str, tmp_path: Path) -> None:
    folder_with(tmp_path / "aXb", "Batch7/x")
    folder = folder_with(tmp_path / place, "Batch1/Trade.txt")
    assert names(folder.files) == ["Batch1/Trade.txt"]
    assert contents(folder, folder.files[0]) == b"x\n"


@pytest.mark.parametrize(
    ("pattern", "name", "is_found"),
    [
        ("Batch{batch}/*_audit.csv", "Batch2/DI.x_audit.csv", True),
        ("Batch{batch}/*_audit.csv", "Batch2/deeper/DI_audit.csv", False),
        ("Batch{batch}/{batch}.txt", "Batch2/2.txt", True),
        ("Batch{batch}/{batch}.txt", "Batch2/3.txt", False),
        ("Batch{batch}/F[!0-9]?", "Batch2/Fxy", True),
        ("Batch{batch}/F[!0-9]?", "Batch2/F1y", False),
        ("Batch{batch}/F(1).txt", "Batch2/F(1).txt", True),
        ("all.txt", "all.txt", True),
    ],
)
def test_a_pattern_is_that_of_a_shell(
    pattern: str, name: str, is_found: bool, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path / "sources", "Batch1/x", name)
    feed = feed_of(tmp_path / "contract", {"id": {}}, files=pattern)
    assert names(folder.files_of(feed, 2)) == ([name] if is_found else [])


@pytest.mark.parametrize("uri", ["/no/such/folder", "nosuchscheme://bucket/folder"])
def test_a_folder_that_is_not_there_is_named(uri: str) -> None:
    with pytest.raises(SourceFolderError, match=uri):
        SourceFolder(uri)


def test_a_folder_without_batches_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(SourceFolderError, match="set SOURCES"):
        folder_with(tmp_path, "Trade.txt")


def test_a_pattern_matches_whole_names_in_its_own_folder(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path,
        "Batch1/FINWIRE1967Q1",
        "Batch1/FINWIRE1967Q2.gz",
        "Batch1/FINWIRE1967Q1_audit.csv",
        "Batch1/FINWIRE1967Q5",
        "Batch1/deeper/FINWIRE1967Q3",
        "Batch2/FINWIRE1967Q4",
        "Batch1/.FINWIRE1967Q1",
    )
    files = folder.files_of(FEEDS["finwire.record"], 1)
    assert names(files) == ["Batch1/FINWIRE1967Q1", "Batch1/FINWIRE1967Q2.gz"]
    assert files[1].plain_name == "Batch1/FINWIRE1967Q2"


def test_files_that_no_contract_names_are_found(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path,
        "Batch1/Trade.txt",
        "Batch1/Trade.txt.bak",
        "Batch2/HR.csv",
        "Generator_audit.csv",
        "Batch1_audit.csv",
        "Batch2_audit.csv",
        "Batch3_audit.csv",
        "notes.txt",
        ".hidden",
    )
    contracts = Contracts(tuple(FEEDS.values()), ("notes.txt",))
    # HR comes with the historical load only, and there is no batch 3.
    expected = ["Batch1/Trade.txt.bak", "Batch2/HR.csv", "Batch3_audit.csv"]
    assert names(folder.unknown_files(contracts)) == expected


def test_a_folder_of_later_batches_knows_the_files_of_the_first(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "Batch3/Trade.txt", "Generator_audit.csv", "Batch1_audit.csv")
    assert folder.unknown_files(Contracts(tuple(FEEDS.values()), ())) == []


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Trade.txt", content)
    return stream.getvalue()


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": zipped,
}
CONTENT = bytes(range(256)) * 1000


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_a_compressed_file_reads_like_the_plain_one(suffix: str, tmp_path: Path) -> None:
    stored = COMPRESSIONS[suffix](CONTENT)
    folder = folder_with(tmp_path, f"Batch1/Trade.txt{suffix}", content=stored)
    (file,) = folder.files_of(FEEDS["brokerage.trade"], 1)
    assert (file.plain_name, file.bytes) == ("Batch1/Trade.txt", len(stored))
    assert contents(folder, file) == CONTENT


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zip"])
@pytest.mark.parametrize("damage", ["cut", "changed", "other"])
def test_a_damaged_archive_is_a_file_error(suffix: str, damage: str, tmp_path: Path) -> None:
    stored = COMPRESSIONS[suffix](CONTENT)
    broken = {
        "cut": stored[: len(stored) // 2],
        "changed": stored[:60] + bytes(byte ^ 0x55 for byte in stored[60:90]) + stored[90:],
        "other": b"not an archive",
    }[damage]
    folder = folder_with(tmp_path, f"Batch1/Trade.txt{suffix}", content=broken)
    with pytest.raises(FileError, match=r"archive cannot be read: .*; deliver the file again"):
        contents(folder, folder.files[0])


def test_an_encrypted_archive_is_a_file_error(tmp_path: Path) -> None:
    stored = bytearray(zipped(CONTENT))
    # The flag of encryption, in the header of the member and in the directory.
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        stored[stored.index(signature) + offset] |= 1
    folder = folder_with(tmp_path, "Batch1/Trade.txt.zip", content=bytes(stored))
    with pytest.raises(FileError, match="encrypted"):
        contents(folder, folder.files[0])


def test_a_remote_folder_is_read_like_a_local_one() -> None:
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe("/sources/Batch1/Trade.txt", b"content")
    try:
        folder = SourceFolder("memory://sources")
        (file,) = folder.files_of(FEEDS["brokerage.trade"], 1)
        assert (file.name, contents(folder, file)) == ("Batch1/Trade.txt", b"content")
        assert folder.sha256(file).startswith("ed7002b4")
    finally:
        filesystem.rm("/sources", recursive=True)
