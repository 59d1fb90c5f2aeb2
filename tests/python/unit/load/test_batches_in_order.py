"""The order of batches: a gap, a date that does not rise and a file of which too little lands are reported."""

from pathlib import Path

import pytest
from sample_sources import FILES, Outcome, load, load_feeds, text, write_sources

FEED = "control.batch_date"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def dates(outcome: Outcome) -> list[tuple[int, str]]:
    return [(row["batch_id"], str(row["batch_date"])) for row in outcome.rows(FEED)]


def deliver(folder: Path, **days: str) -> Path:
    """The dates of batches: batch2="2017-07-08"."""
    for name, day in days.items():
        path = folder / name.title() / "BatchDate.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text(day))
    return folder


@pytest.mark.parametrize("day", ["2017-07-07", "2017-07-08"])
def test_a_date_that_is_not_after_the_one_before_is_refused(
    day: str, tmp_path: Path, lake: Path
) -> None:
    deliver(tmp_path, batch1="2017-07-07", batch2="2017-07-08", batch3=day)
    outcome = load_feeds(tmp_path, lake, FEED)
    assert outcome.exit_code == 1
    assert dates(outcome) == [(1, "2017-07-07"), (2, "2017-07-08")]
    message = f"batch_date {day} of batch 3 is not after 2017-07-08 of batch 2"
    assert f"{FEED} of batch 3: Batch3/BatchDate.txt: {message}" in outcome.output


def test_a_late_batch_has_a_date_between_its_neighbors(tmp_path: Path, lake: Path) -> None:
    deliver(tmp_path, batch1="2017-07-07", batch3="2017-07-09")
    load_feeds(tmp_path, lake, FEED)
    outcome = load_feeds(deliver(tmp_path, batch2="2017-07-09"), lake, FEED)
    assert outcome.exit_code == 1
    assert "batch_date 2017-07-09 of batch 2 is not before 2017-07-09 of batch 3" in outcome.output
    outcome = load_feeds(deliver(tmp_path, batch2="2017-07-08"), lake, FEED)
    assert outcome.exit_code == 0
    assert len(dates(outcome)) == 3


def test_dates_that_all_move_are_taken_in_one_load(tmp_path: Path, lake: Path) -> None:
    load_feeds(deliver(tmp_path, batch1="2017-07-07", batch2="2017-07-08"), lake, FEED)
    outcome = load_feeds(deliver(tmp_path, batch1="2017-07-08", batch2="2017-07-09"), lake, FEED)
    assert outcome.exit_code == 0
    assert dates(outcome) == [(1, "2017-07-08"), (2, "2017-07-09")]


@pytest.mark.parametrize(
    ("batches", "gaps"),
    [
        ((1, 3), "missing from the lake: batch 2;"),
        ((2, 3), "missing from the lake: batch 1;"),
        ((1, 5, 6, 8), "missing from the lake: batch 2 to 4, 7;"),
        ((1, 20_170_709), "missing from the lake: batch 2 to 20170708;"),
    ],
)
def test_a_gap_is_a_warning(
    batches: tuple[int, ...], gaps: str, tmp_path: Path, lake: Path
) -> None:
    days = {f"batch{batch}": f"2017-07-{day:02}" for day, batch in enumerate(batches, start=1)}
    outcome = load_feeds(deliver(tmp_path, **days), lake, FEED)
    assert outcome.exit_code == 0
    assert outcome.output.count("warning") == 1
    assert f"warning: {gaps} a late batch" in outcome.output


def test_batches_without_a_gap_are_no_warning(tmp_path: Path, lake: Path) -> None:
    deliver(tmp_path, batch1="2017-07-07", batch2="2017-07-08")
    assert "warning" not in load_feeds(tmp_path, lake, FEED).output


# ---- files of which too little lands


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return write_sources(tmp_path / "sources")


@pytest.mark.parametrize(
    ("broken", "exit_code", "landed"), [(0, 0, 5), (2, 0, 3), (3, 1, 5), (5, 1, 5)]
)
def test_a_file_of_which_less_than_half_lands_has_failed(
    broken: int, exit_code: int, landed: int, sources: Path, lake: Path
) -> None:
    load_feeds(sources, lake, "brokerage.trade_history")
    path = sources / "Batch1/TradeHistory.txt"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[broken:], *(b";" + line for line in lines[:broken])]))
    outcome = load_feeds(sources, lake, "brokerage.trade_history")
    assert outcome.exit_code == exit_code
    assert len(outcome.rows("brokerage.trade_history")) == landed
    if exit_code:
        assert (
            f"Batch1/TradeHistory.txt: only {5 - broken} of 5 records fulfill their contract, at least 50% must;"
            f" the first that does not: line {6 - broken}: th_t_id is not a bigint"
        ) in outcome.output
        assert outcome.rows("control.quarantine") == []


def test_a_daily_file_with_another_delimiter_has_failed(sources: Path, lake: Path) -> None:
    path = sources / "Batch2/WatchHistory.txt"
    path.write_bytes(FILES["Batch2/WatchHistory.txt"].replace(b"|", b";"))
    outcome = load(sources, lake)
    assert outcome.exit_code == 1
    assert (
        "brokerage.watch_history of batch 2: Batch2/WatchHistory.txt: only 0 of 1" in outcome.output
    )
    assert "the line has 1 fields separated by '|', 6 expected" in outcome.output


def test_an_empty_file_says_how_to_accept_it(sources: Path, lake: Path) -> None:
    (sources / "Batch2/Trade.txt").write_bytes(b"")
    outcome = load_feeds(sources, lake, "brokerage.trade")
    assert outcome.exit_code == 1
    assert "load it with --batch 2 --feed brokerage.trade --allow-empty" in outcome.output
    outcome = load(sources, lake, "--batch", "2", "--feed", "brokerage.trade", "--allow-empty")
    assert outcome.exit_code == 0
    assert outcome.rows("brokerage.trade", 2) == []
    # Accepted once, it stays so.
    assert load(sources, lake, "--force").exit_code == 0


def test_a_file_or_folder_with_an_impossible_name_is_one_line(sources: Path, lake: Path) -> None:
    (sources / "Batch1/FINWIRE1967Q\udcff").write_bytes(b"x")
    (sources / "Batch3000000000").mkdir()
    (sources / "Batch3000000000/Trade.txt").write_bytes(b"x")
    outcome = load(sources, lake)
    assert outcome.exit_code == 1
    assert len(outcome.rows("brokerage.trade")) == 7
    said = [line for line in outcome.output.splitlines() if line.startswith("load:")]
    assert said == [
        "load: Batch1/FINWIRE1967Q\\xff: the name is not UTF-8; rename the file",
        "load: Batch3000000000: the number of a batch is at most 2147483647; rename the folder",
    ]
