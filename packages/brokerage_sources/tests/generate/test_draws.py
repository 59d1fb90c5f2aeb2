"""The random numbers: what every byte of a dataset rests on."""

import numpy as np
import pytest

from brokerage_sources.generate.draws import Stream, half_up, scale_high, scale_low

ROWS = np.arange(10_000)


def test_numbers_never_change_between_versions() -> None:
    stream = Stream(7, "trade.quantity")
    assert [int(value) for value in stream.bits(np.arange(3))] == [
        15621947117832737959,
        18412171134864857101,
        7581229305375223136,
    ]
    assert stream.between(np.arange(5), 10, 10_000).tolist() == [8471, 9982, 4116, 3252, 20]
    assert stream.permutation(8).tolist() == [4, 6, 7, 3, 2, 5, 0, 1]


def test_a_row_has_the_same_number_in_any_chunk() -> None:
    stream = Stream(1, "column")
    together = stream.bits(ROWS)
    apart = np.concatenate([stream.bits(ROWS[6000:]), stream.bits(ROWS[:6000])])
    assert np.array_equal(together, np.roll(apart, 6000))


@pytest.mark.parametrize(("seed", "column"), [(2, "a"), (1, "b")])
def test_another_seed_or_column_has_other_numbers(seed: int, column: str) -> None:
    assert not np.any(Stream(1, "a").bits(ROWS) == Stream(seed, column).bits(ROWS))


def test_ranges_hold_and_are_used_to_their_ends() -> None:
    values = Stream(1, "range").between(ROWS, 3, 9)
    assert set(values.tolist()) == set(range(3, 10))
    wide = Stream(1, "wide").between(ROWS, 0, 10**14)
    assert wide.min() >= 0
    assert wide.max() <= 10**14
    assert wide.max() > 2**32


def test_bounds_can_differ_per_row() -> None:
    bounds = 1 + ROWS % 50
    values = Stream(1, "bounds").below(ROWS, bounds)
    assert np.all((values >= 0) & (values < bounds))


def test_weights_give_their_shares() -> None:
    picked = Stream(1, "weights").pick(np.arange(100_000), [70, 20, 10])
    assert np.bincount(picked) / 100_000 == pytest.approx([0.7, 0.2, 0.1], abs=0.006)


def test_one_in_chooses_exactly_one_row_of_every_block() -> None:
    chosen = Stream(1, "block").one_in(ROWS, 100)
    assert np.array_equal(np.flatnonzero(chosen) // 100, np.arange(100))


@pytest.mark.parametrize("total", [10, 37, 400, 5000])
def test_at_least_keeps_its_floor_in_small_tables(total: int) -> None:
    chosen = Stream(1, "floor").at_least(np.arange(total), total, floor=4, one_in=1000)
    assert np.sum(chosen) >= 4


def test_permutation_holds_every_number_once() -> None:
    assert sorted(Stream(1, "order").permutation(1000).tolist()) == list(range(1000))


def test_the_halves_of_a_word_are_independent_draws() -> None:
    bits = Stream(1, "halves").bits(np.arange(100_000))
    correlation = np.corrcoef(scale_high(bits, 1000), scale_low(bits, 1000))[0, 1]
    assert abs(correlation) < 0.015


def test_halves_are_rounded_up() -> None:
    assert half_up(np.array([4, 5, 6, 14, 15]), 10).tolist() == [0, 1, 1, 1, 2]
