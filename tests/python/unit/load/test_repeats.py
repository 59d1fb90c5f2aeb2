"""Nothing counts twice: a file, a batch or a change that comes again is refused or quarantined, unless an option allows it."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_sources import (
    FILES,
    Outcome,
    load,
    load_feeds,
    table,
    text,
    write_contract,
    write_sources,
)

from scripts.load import run

FEED = "brokerage.cash_transaction"
BATCH_2, BATCH_3, BATCH_4 = (f"Batch{number}/CashTransaction.txt" for number in (2, 3, 4))


def change(number: int, amount: str = "5.00") -> str:
    """A line of the feed."""
    return f"I|{number}|10|2017-07-08 01:02:03|{amount}|interest"


def numbers(outcome: Outcome, batch: int | None = None) -> list[int]:
    """The change numbers that are in the lake."""
    found = (row["cdc_dsn"] for row in outcome.rows(FEED, batch))
    return sorted(number for number in found if number)


def quarantined(outcome: Outcome) -> list[tuple[int, int, str]]:
    return [
        (row["batch_id"], row["line_number"], row["reason"]) for row in outcome.quarantine(FEED)
    ]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Batch 1, and the cash transactions of two more batches."""
    files = {BATCH_2: text(change(6), change(7)), BATCH_3: text(change(8), change(9))}
    return write_sources(tmp_path / "sources", files)


def deliver(sources: Path, name: str, *lines: str) -> None:
    (sources / name).parent.mkdir(exist_ok=True)
    (sources / name).write_bytes(text(*lines))


def test_changes_that_come_once_land_without_a_word(sources: Path, lake: Path) -> None:
    outcome = load_feeds(sources, lake, FEED)
    assert outcome.exit_code == 0
    assert numbers(outcome) == [6, 7, 8, 9]
    assert "warning" not in outcome.output


@pytest.mark.parametrize("order", [(2, 3), (3, 2)])
def test_a_file_of_another_batch_is_refused_whichever_comes_first(
    order: tuple[int, int], sources: Path, lake: Path
) -> None:
    deliver(sources, BATCH_3, change(6), change(7))
    load(sources, lake, "--feed", FEED, "--batch", str(order[0]))
    outcome = load_feeds(sources, lake, FEED)
    assert outcome.exit_code == 1
    assert numbers(outcome) == [6, 7]
    first, second = (f"Batch{batch}/CashTransaction.txt" for batch in order)
    assert (
        f"{second}: the same bytes as {first}, which landed with batch {order[0]}" in outcome.output
    )
    assert f"--batch {order[1]} --feed {FEED} --allow-repeated" in outcome.output


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(text(change(6), change(7), end="\r\n"), id="other line ends"),
        pytest.param(text(change(7), change(6)), id="another order"),
        pytest.param(text(change(6)), id="a part of it"),
        pytest.param(text(change(6, "7.00"), change(7, "8.00")), id="other amounts"),
    ],
)
def test_a_file_whose_changes_all_landed_is_refused(
    again: bytes, sources: Path, lake: Path
) -> None:
    (sources / BATCH_3).write_bytes(again)
    outcome = load_feeds(sources, lake, FEED)
    assert outcome.exit_code == 1
    assert numbers(outcome) == [6, 7]
    assert "changes (cdc_dsn) landed before, with batch 2: nothing counts twice" in outcome.output


def test_a_file_that_comes_again_compressed_is_refused(sources: Path, lake: Path) -> None:
    (sources / BATCH_3).unlink()
    (sources / f"{BATCH_3}.gz").write_bytes(gzip.compress((sources / BATCH_2).read_bytes()))
    outcome = load_feeds(sources, lake, FEED)
    assert outcome.exit_code == 1
    assert numbers(outcome) == [6, 7]


def test_earlier_rows_stay_when_a_file_becomes_that_of_another_batch(
    sources: Path, lake: Path
) -> None:
    load_feeds(sources, lake, FEED)
    deliver(sources, BATCH_3, change(6), change(7))
    outcome = load_feeds(sources, lake, FEED)
    assert outcome.exit_code == 1
    assert numbers(outcome) == [6, 7, 8, 9]


@pytest.mark.parametrize("fixed_batch", [2, 3])
def test_the_twin_lands_in_the_same_load_in_which_the_other_is_put_right(
    fixed_batch: int, sources: Path, lake: Path
) -> None:
    deliver(sources, BATCH_3, change(6), change(7))
    # The wrong one is there first.
    load(sources, lake, "--feed", FEED, "--batch", str(fixed_batch))
    assert load_feeds(sources, lake, FEED).exit_code == 1
    deliver(sources, f"Batch{fixed_batch}/CashTransaction.txt", change(8), change(9))
    outcome = load_feeds(sources, lake, FEED)
    assert outcome.exit_code == 0
    assert numbers(outcome, fixed_batch) == [8, 9]
    assert numbers(outcome, 5 - fixed_batch) == [6, 7]


def test_changes_among_others_that_landed_before_are_set_aside(sources: Path, lake: Path) -> None:
    deliver(sources, BATCH_3, change(6), change(7), change(8))
    outcome = load_feeds(sources, lake, FEED)
    assert outcome.exit_code == 0
    assert numbers(outcome, 3) == [8]
    assert quarantined(outcome) == [
        (3, line, f"cdc_dsn {line + 5} landed with batch 2: one change counts once")
        for line in (1, 2)
    ]
    log = outcome.log(FEED)[-1]
    assert (log["rows_read"], log["rows_landed"], log["rows_quarantined"]) == (3, 1, 2)
    message = f"warning: {FEED} of batch 3: {BATCH_3}: 2 of 3 changes (cdc_dsn) have already landed"
    assert message in outcome.output
    # Said once; then the lake is as it should be.
    assert "warning" not in load_feeds(sources, lake, FEED).output


def test_what_was_set_aside_lands_when_the_other_batch_is_replaced(
    sources: Path, lake: Path
) -> None:
    deliver(sources, BATCH_3, change(6), change(8))
    load_feeds(sources, lake, FEED)
    deliver(sources, BATCH_2, change(5), change(7))
    outcome = load_feeds(sources, lake, FEED)
    assert (numbers(outcome, 2), numbers(outcome, 3)) == ([5, 7], [6, 8])
    assert quarantined(outcome) == []


def test_what_a_later_batch_took_is_given_back_when_that_one_is_replaced(
    sources: Path, lake: Path
) -> None:
    deliver(sources, BATCH_3, change(7), change(8))
    load(sources, lake, "--feed", FEED, "--batch", "3")
    outcome = load_feeds(sources, lake, FEED)
    assert (numbers(outcome, 2), numbers(outcome, 3)) == ([6], [7, 8])
    deliver(sources, BATCH_3, change(8), change(9))
    outcome = load_feeds(sources, lake, FEED)
    assert (numbers(outcome, 2), numbers(outcome, 3)) == ([6, 7], [8, 9])
    assert quarantined(outcome) == []


@pytest.mark.parametrize("second", [change(8), change(8, "6.00")], ids=["the same", "another"])
@pytest.mark.parametrize("place", [1, 2])
def test_a_change_number_that_comes_twice_in_a_file_lands_once(
    place: int, second: str, sources: Path, lake: Path
) -> None:
    lines = [change(8), change(9)]
    lines.insert(place, second)
    deliver(sources, BATCH_3, *lines)
    outcome = load_feeds(sources, lake, FEED)
    assert outcome.exit_code == 0
    assert numbers(outcome, 3) == [8, 9]
    reason = "cdc_dsn 8 is also that of line 1: one change counts once"
    assert quarantined(outcome) == [(3, place + 1, reason)]
    assert outcome.quarantine(FEED)[0]["raw_text"] == second


def test_a_change_number_comes_again_far_away(
    sources: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another block of a large file, whose numbers do not ascend."""
    monkeypatch.setattr(run, "_LARGEST_BLOCK", 200)
    lines = [change(number) for number in (*range(100, 120), *range(60, 90), 105, 61, 105)]
    deliver(sources, BATCH_3, *lines)
    outcome = load_feeds(sources, lake, FEED)
    assert numbers(outcome, 3) == [*range(60, 90), *range(100, 120)]
    assert quarantined(outcome) == [
        (3, line, f"cdc_dsn {number} is also that of line {first}: one change counts once")
        for line, number, first in ((51, 105, 6), (52, 61, 22), (53, 105, 6))
    ]


def test_who_means_it_lands_a_twin_and_is_not_asked_again(sources: Path, lake: Path) -> None:
    deliver(sources, BATCH_3, change(6), change(7))
    assert load_feeds(sources, lake, FEED).exit_code == 1
    outcome = load(sources, lake, "--batch", "3", "--feed", FEED, "--allow-repeated")
    assert outcome.exit_code == 0
    assert numbers(outcome) == [6, 6, 7, 7]
    # Not even by a load that writes everything again.
    outcome = load(sources, lake, "--feed", FEED, "--force")
    assert outcome.exit_code == 0
    assert numbers(outcome) == [6, 6, 7, 7]


def test_an_allowance_holds_for_the_files_it_was_given_for(sources: Path, lake: Path) -> None:
    deliver(sources, BATCH_3, change(6), change(7))
    load(sources, lake, "--feed", FEED, "--allow-repeated")
    deliver(sources, BATCH_3, change(7), change(6))
    outcome = load_feeds(sources, lake, FEED)
    assert outcome.exit_code == 1


def test_who_means_it_lands_single_changes_too(sources: Path, lake: Path) -> None:
    deliver(sources, BATCH_3, change(6), change(8), change(8))
    load_feeds(sources, lake, FEED)
    outcome = load(sources, lake, "--feed", FEED, "--allow-repeated")
    assert outcome.exit_code == 0
    assert numbers(outcome, 3) == [6, 8, 8]
    assert quarantined(outcome) == []
    assert numbers(load_feeds(sources, lake, FEED), 3) == [6, 8, 8]


def test_loading_again_refuses_nothing(sources: Path, lake: Path) -> None:
    load_feeds(sources, lake, FEED)
    outcome = load(sources, lake, "--feed", FEED, "--force")
    assert outcome.exit_code == 0
    assert numbers(outcome) == [6, 7, 8, 9]


def test_a_full_extract_may_be_that_of_the_day_before(sources: Path, lake: Path) -> None:
    (sources / "Batch2/Prospect.csv").write_bytes(FILES["Batch1/Prospect.csv"])
    outcome = load(sources, lake, "--feed", "prospect", "--batch", "1", "--batch", "2")
    assert outcome.exit_code == 0
    assert len(outcome.rows("prospect.prospect", 2)) == 4


def test_files_without_rows_are_no_twins(sources: Path, lake: Path) -> None:
    for name in (BATCH_2, BATCH_3):
        (sources / name).write_bytes(b"")
    outcome = load(sources, lake, "--feed", FEED, "--allow-empty")
    assert outcome.exit_code == 0
    assert load_feeds(sources, lake, FEED).exit_code == 0


@pytest.fixture
def contracts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A feed without change numbers."""
    folder = tmp_path / "contracts"
    monkeypatch.setattr(run, "CONTRACTS_FOLDER", folder)
    write_contract(folder, table({"id": {"data_type": "integer"}}))
    yield folder


def test_a_feed_without_change_numbers_refuses_a_twin_too(contracts: Path, tmp_path: Path) -> None:
    for batch in (1, 2, 3):
        deliver(tmp_path, f"Batch{batch}/Feed.txt", "7" if batch == 2 else "8")
    outcome = load(tmp_path, tmp_path / "lake")
    assert outcome.exit_code == 1
    assert "Batch3/Feed.txt: the same bytes as Batch1/Feed.txt" in outcome.output
    assert [row["id"] for row in outcome.rows("test.feed")] == [8, 7]
