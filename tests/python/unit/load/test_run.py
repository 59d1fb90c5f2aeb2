"""A load as a whole: what is loaded, what is skipped, what is said, and when it ends as an error."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sample_sources import FEEDS, FILES, Outcome, load, load_feeds, write_sources

from scripts.fingerprint import fingerprint_lake
from scripts.load import run
from scripts.load.lake import Lake
from scripts.load.run import LoadOptions


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return write_sources(tmp_path / "sources")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def load_times(outcome: Outcome, batch: int) -> set[object]:
    """The load times of all rows of a batch."""
    return {row["loaded_at"] for label in FEEDS for row in outcome.rows(label, batch)}


def modified(lake: Path) -> dict[Path, int]:
    """When each file was written, except the records of the loads themselves."""
    return {
        path: path.stat().st_mtime_ns
        for path in lake.rglob("*.parquet")
        if "operations" not in path.parts
    }


def test_a_complete_folder_loads_every_feed(sources: Path, lake: Path) -> None:
    outcome = load(sources, lake)
    assert outcome.exit_code == 0
    assert outcome.rows("control.quarantine") == []
    statuses = {row["source_file"]: row["status"] for row in outcome.rows("control.load_log")}
    assert {name for name, status in statuses.items() if status == "loaded"} == set(FILES)
    for name, content in FILES.items():
        (log,) = (row for row in outcome.rows("control.load_log") if row["source_file"] == name)
        if not name.endswith(".xml"):
            assert log["rows_landed"] == content.count(b"\n")
        assert log["file_bytes"] == len(content)


def test_every_table_exists_before_its_first_row(sources: Path, lake: Path) -> None:
    load_feeds(sources, lake, "reference.industry")
    for feed in FEEDS.values():
        path = Lake(str(lake)).path(feed.system, feed.name, 0)
        assert Path(path).is_file()
    assert set(fingerprint_lake(lake)) >= set(FEEDS)


def test_loading_twice_writes_nothing(sources: Path, lake: Path) -> None:
    load(sources, lake)
    before = modified(lake)
    outcome = load(sources, lake)
    assert outcome.exit_code == 0
    assert "unchanged" in outcome.output
    assert modified(lake) == before


def test_force_writes_everything_again_with_the_same_rows(sources: Path, lake: Path) -> None:
    load(sources, lake)
    before, fingerprints = modified(lake), fingerprint_lake(lake)
    load(sources, lake, "--force")
    assert fingerprint_lake(lake) == fingerprints
    after = modified(lake)
    written = {path for path in before if after[path] != before[path]}
    loaded = {path for path in before if "batch_id=0" not in str(path)}
    # The logs of optional files that are not there say nothing new.
    absent = {path for path in loaded if path.name.endswith("audit.parquet")}
    assert len(absent) == 3
    assert written == loaded - absent


def test_a_batch_has_one_load_time_whatever_is_loaded_later(sources: Path, lake: Path) -> None:
    load_feeds(sources, lake, "hr.employee")
    path = lake / "hr" / "employee" / "batch_id=1" / "employee.parquet"
    assert path.is_file()
    first = load_times(Outcome(0, "", lake), 1)
    assert len(first) == 1
    outcome = load(sources, lake, "--force")
    assert load_times(outcome, 1) == first
    assert len(load_times(outcome, 2)) == 1


def test_the_time_of_the_first_load_is_read_from_the_clock_of_the_options(
    sources: Path, lake: Path
) -> None:
    then, later = datetime(2001, 2, 3, 4, 5, 6), datetime(2002, 1, 1)
    for batches, now in (((1,), then), ((1, 2), later)):
        options = LoadOptions(
            str(sources), str(lake), batches, force=True, clock=lambda now=now: now
        )
        assert run.load(options).failures == []
    outcome = Outcome(0, "", lake)
    assert (load_times(outcome, 1), load_times(outcome, 2)) == ({then}, {later})


def test_a_changed_file_replaces_its_rows_and_no_others(sources: Path, lake: Path) -> None:
    load(sources, lake)
    before = modified(lake)
    (sources / "Batch1/Industry.txt").write_bytes(b"ZZ|Other|YY\nAB|New|CD\n")
    outcome = load(sources, lake)
    assert [row["in_id"] for row in outcome.rows("reference.industry")] == ["ZZ", "AB"]
    after = modified(lake)
    changed = {path.name for path in after if after[path] != before.get(path)}
    assert changed == {"industry.parquet", "reference__industry.parquet"}


def test_a_compressed_delivery_gives_the_same_rows(sources: Path, lake: Path) -> None:
    plain = load_feeds(sources, lake, "brokerage.trade").rows("brokerage.trade", 1)
    (sources / "Batch1/Trade.txt").unlink()
    (sources / "Batch1/Trade.txt.gz").write_bytes(gzip.compress(FILES["Batch1/Trade.txt"]))
    packed = load_feeds(sources, lake, "brokerage.trade").rows("brokerage.trade", 1)
    assert [row | {"source_file": ""} for row in packed] == [
        row | {"source_file": ""} for row in plain
    ]


def test_quarantined_rows_go_when_their_file_is_put_right(sources: Path, lake: Path) -> None:
    path = sources / "Batch1/Industry.txt"
    path.write_bytes(b"AM|Aerospace\nAM|Aerospace & Metal|BM\n")
    assert len(load_feeds(sources, lake, "reference.industry").rows("control.quarantine")) == 1
    path.write_bytes(FILES["Batch1/Industry.txt"])
    outcome = load_feeds(sources, lake, "reference.industry")
    assert outcome.rows("control.quarantine") == []
    assert len(outcome.rows("reference.industry")) == 1


def test_an_unreadable_file_leaves_the_earlier_rows_and_a_failure_log(
    sources: Path, lake: Path
) -> None:
    path = sources / "Batch1/CustomerMgmt.xml"
    sound = load_feeds(sources, lake, "crm").rows("crm.customer_mgmt")
    path.write_bytes(FILES["Batch1/CustomerMgmt.xml"][:600])
    outcome = load_feeds(sources, lake, "crm")
    assert outcome.exit_code == 1
    assert outcome.rows("crm.customer_mgmt") == sound
    assert sorted(row["status"] for row in outcome.log("crm.customer_mgmt")) == ["failed", "loaded"]
    path.write_bytes(FILES["Batch1/CustomerMgmt.xml"])
    outcome = load_feeds(sources, lake, "crm")
    assert outcome.exit_code == 0
    assert outcome.rows("crm.customer_mgmt") == sound
    assert [row["status"] for row in outcome.log("crm.customer_mgmt")] == ["loaded"]


def test_a_missing_required_file_is_an_error_until_it_is_there(sources: Path, lake: Path) -> None:
    path = sources / "Batch2/Trade.txt"
    content = path.read_bytes()
    path.unlink()
    outcome = load(sources, lake)
    assert outcome.exit_code == 1
    assert "no file Batch2/Trade.txt" in outcome.output
    assert "deliver it and load again" in outcome.output
    assert len(outcome.rows("brokerage.trade")) == 5
    path.write_bytes(content)
    outcome = load(sources, lake)
    assert outcome.exit_code == 0
    assert len(outcome.rows("brokerage.trade")) == 7
    assert {row["status"] for row in outcome.log("brokerage.trade")} == {"loaded"}


def test_a_missing_optional_file_is_logged_and_no_error(sources: Path, lake: Path) -> None:
    outcome = load_feeds(sources, lake, "control.generator_audit")
    assert outcome.exit_code == 0
    assert "(optional)" in outcome.output
    assert [row["status"] for row in outcome.log("control.generator_audit")] == ["missing"]
    (sources / "Generator_audit.csv").write_bytes(b"DataSet,...\nDI,1,,x,5,\n")
    outcome = load_feeds(sources, lake, "control.generator_audit")
    assert [row["status"] for row in outcome.log("control.generator_audit")] == ["loaded"]


def test_an_optional_file_that_failed_and_is_taken_away_is_no_error(
    sources: Path, lake: Path
) -> None:
    path = sources / "Generator_audit.csv"
    path.write_bytes(b"")
    assert load_feeds(sources, lake, "control.generator_audit").exit_code == 1
    path.unlink()
    outcome = load_feeds(sources, lake, "control.generator_audit")
    assert outcome.exit_code == 0
    assert [row["status"] for row in outcome.log("control.generator_audit")] == ["missing"]


def _zip(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("content", content)
    return archive.getvalue()


@pytest.mark.parametrize(
    ("twin", "pack"),
    [
        ("Batch1/FINWIRE1967Q3", bytes),
        ("Batch1/FINWIRE1967Q2.gz", gzip.compress),
        ("Batch1/FINWIRE1967Q3.gz", gzip.compress),
        ("Batch1/FINWIRE1967Q3.bz2", bz2.compress),
        ("Batch1/FINWIRE1967Q3.xz", lzma.compress),
        ("Batch1/FINWIRE1967Q3.zip", _zip),
    ],
)
def test_the_same_content_delivered_twice_is_refused(
    twin: str, pack: Callable[[bytes], bytes], sources: Path, lake: Path
) -> None:
    (sources / twin).write_bytes(pack(FILES["Batch1/FINWIRE1967Q2"]))
    outcome = load_feeds(sources, lake, "finwire")
    assert outcome.exit_code == 1
    assert "delivers the same as Batch1/FINWIRE1967Q2" in outcome.output
    assert outcome.rows("finwire.record") == []


def test_a_file_that_no_contract_names_is_an_error_and_the_rest_lands(
    sources: Path, lake: Path
) -> None:
    (sources / "Batch1/Trades.txt").write_bytes(b"x\n")
    outcome = load(sources, lake)
    assert outcome.exit_code == 1
    assert "Batch1/Trades.txt: no contract names this file" in outcome.output
    assert len(outcome.rows("brokerage.trade")) == 7


def test_only_the_chosen_batches_are_loaded_and_each_once(sources: Path, lake: Path) -> None:
    outcome = load(sources, lake, "--batch", "2", "--batch", "2")
    assert outcome.exit_code == 0
    assert {row["batch_id"] for row in outcome.rows("control.load_log")} == {2}
    assert len(outcome.rows("brokerage.trade")) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch", "7"], "no batch 7; there are 1, 2"),
        (["--feed", "brokerage.trades"], "no feed 'brokerage.trades'; there are"),
        (["--batch", "0"], "Usage"),
        (["--workers", "none"], "Usage"),
    ],
)
def test_wrong_arguments_end_with_2_and_what_there_is(
    arguments: list[str], message: str, sources: Path, lake: Path
) -> None:
    outcome = load(sources, lake, *arguments)
    assert outcome.exit_code == 2
    assert message in outcome.output


def test_a_folder_that_is_not_there_ends_with_2(tmp_path: Path, lake: Path) -> None:
    outcome = load(tmp_path / "nowhere", lake)
    assert outcome.exit_code == 2
    assert "set SOURCES (or --sources)" in outcome.output


def test_a_lake_that_cannot_be_written_ends_with_2(sources: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = load(sources, tmp_path / "file" / "lake")
    assert outcome.exit_code == 2
    assert "cannot be written" in outcome.output


def test_a_lake_that_duckdb_could_not_read_ends_with_2(sources: Path, tmp_path: Path) -> None:
    outcome = load(sources, tmp_path / "a\\b")
    assert outcome.exit_code == 2
    assert "set LAKE (or --lake) to one without" in outcome.output


def test_files_of_two_loads_are_distinguished_and_written_again(sources: Path, lake: Path) -> None:
    """As after a crash between the log of a new load and its rows, and the old file put back."""
    path = sources / "Batch1/Industry.txt"
    data = lake / "reference/industry/batch_id=1/industry.parquet"
    load_feeds(sources, lake, "reference.industry")
    old = data.read_bytes()
    path.write_bytes(b"AM|Aerospace\nZZ|Other|YY\n")
    load_feeds(sources, lake, "reference.industry")
    data.write_bytes(old)
    path.write_bytes(FILES["Batch1/Industry.txt"])
    outcome = load_feeds(sources, lake, "reference.industry")
    assert outcome.rows("control.quarantine") == []
    (log,) = outcome.log("reference.industry")
    assert (log["rows_read"], log["rows_quarantined"]) == (1, 0)


def test_memory_is_shared_by_the_workers() -> None:
    def block(workers: int, memory: int) -> int:
        options = LoadOptions(sources="", lake="", workers=workers, memory_mib=memory)
        return options.block_bytes

    assert block(2, 512) == 4 << 20
    assert block(4, 128) == 1 << 20
    assert block(64, 64) == 256 << 10


@pytest.mark.parametrize(
    "damaged",
    ["market/daily_market/*/*", "control/quarantine/*/market*", "control/load_log/*/market*"],
)
def test_a_file_of_the_lake_that_has_changed_in_any_byte_is_loaded_again(
    sources: Path, lake: Path, damaged: str
) -> None:
    with (sources / "Batch1" / "DailyMarket.txt").open("a") as stream:
        stream.write("broken\n")
    load(sources, lake)
    sound = fingerprint_lake(lake)
    (path,) = (path for path in lake.glob(f"{damaged}.parquet") if path.parent.name == "batch_id=1")
    content = path.read_bytes()
    # The file begins with PAR1 and its columns and ends with a footer; values are in the first half.
    for position in (4, len(content) // 4, len(content) // 2, len(content) - 5):
        changed = bytearray(path.read_bytes())
        changed[position] ^= 0b100
        path.write_bytes(changed)
        outcome = load(sources, lake)
        assert outcome.exit_code == 0
        assert fingerprint_lake(lake) == sound
        assert load(sources, lake).output.count("damaged") == 0


@pytest.mark.parametrize(
    ("key", "damaged"),
    [
        (b'"contract"', b"\xf2"),
        (b'"files"', b'"'),
        (b'"loaded_at"', b"!"),
        (b'"rows_read"', b"!"),
        (b'"quarantine"', b"!"),
    ],
    ids=["no UTF-8", "no JSON", "other time", "other counts", "other checksums"],
)
def test_a_damaged_footer_is_mended_too(
    sources: Path, lake: Path, key: bytes, damaged: bytes
) -> None:
    """The loader reads the footer first, and all three files have one."""
    with (sources / "Batch1" / "DailyMarket.txt").open("a") as stream:
        stream.write("broken\n")
    outcome = load_feeds(sources, lake, "market.daily_market")
    fingerprints, times = fingerprint_lake(lake), load_times(outcome, 1)
    paths = [path for path in lake.rglob("batch_id=1/*.parquet") if key in path.read_bytes()]
    assert len(paths) == (1 if key == b'"quarantine"' else 3)
    for path in paths:
        path.write_bytes(path.read_bytes().replace(key, key[:3] + damaged + key[4:]))
        outcome = load_feeds(sources, lake, "market.daily_market")
        assert outcome.exit_code == 0
        assert fingerprint_lake(lake) == fingerprints
        assert load_times(outcome, 1) == times
        assert key in path.read_bytes()


def test_damage_in_the_lake_is_told(sources: Path, lake: Path) -> None:
    load(sources, lake)
    (path,) = lake.glob("market/daily_market/batch_id=1/*.parquet")
    changed = bytearray(path.read_bytes())
    changed[4] ^= 1
    path.write_bytes(changed)
    assert "damaged in the lake, loaded again" in " ".join(load(sources, lake).output.split())
