"""The bought prospect list: Prospect.csv, a complete dump in every batch, of which 99.7 % stays the same.

Every customer is a prospect, with the name and address of its first record, in another case; the other prospects are strangers
with random letters for names. In each batch a few prospects disappear, as many new ones appear (some are the batch's new customers), and a
few change: name and address stay, everything else is drawn again. A prospect's values are a function of its id and of the
number of times it has changed. With the option `conversion_signal`, new customers were on the list before, as strangers (see `conversion`).
"""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from brokerage_sources.generate import crm_cells, words
from brokerage_sources.generate import crm_values as crm
from brokerage_sources.generate.audit import Tally, write_audit
from brokerage_sources.generate.cells import (
    END_OF_ROW,
    Cell,
    chunks,
    integers,
    joined,
    only,
    rows_of,
    table,
    text_pool,
    zero_padded,
)
from brokerage_sources.generate.conversion import batch_of_customers, converted
from brokerage_sources.generate.draws import Flags, Integers, Stream
from brokerage_sources.generate.parameters import Parameters
from brokerage_sources.generate.pool import Pool
from brokerage_sources.generate.prospect_values import figure, is_given, rows_of_prospects
from brokerage_sources.generate.writing import DataFile, Workspace

_CHUNK = 4096
_BATCHES_AT_ONCE = 50  # open files
_COUNTERS = ("Prospect.P_C_MATCHING", "Prospect.P_RECORDS", "Prospect.P_NEW")
_AS_IS, _UPPER, _LOWER = range(3)  # as is: first letter upper case, the rest lower
_CASE_WEIGHTS = [50, 25, 25]
_COUNTRIES = table(words.COUNTRIES)
_GENDERS = table(["M", "F", "m", "f"])
_ODD_GENDERS = table(["U", "x", "Q", "n", " "])
_MARITAL, _MARITAL_WEIGHTS = table("SMDWU"), [20, 40, 10, 10, 20]
_OWNERSHIP, _OWNERSHIP_WEIGHTS = table("ORU"), [70, 20, 10]
_EMPLOYERS = table([*words.EMPLOYERS, words.QUOTED_EMPLOYER])


def _cases(cells: Cell) -> Cell:
    """A table three times as long: as is (only the first letter upper), upper case, lower case."""
    return np.concatenate([np.char.capitalize(cells), np.char.upper(cells), np.char.lower(cells)])


_LAST_NAMES, _FIRST_NAMES = _cases(crm.LAST_NAMES), _cases(crm.FIRST_NAMES)
_STREET_CASES = np.concatenate(
    [np.char.lower(crm.STREETS), np.char.upper(crm.STREETS), np.char.lower(crm.STREETS)]
)
_KIND_CASES = np.concatenate(
    [
        np.char.lower(crm.STREET_KINDS),
        np.char.upper(crm.STREET_KINDS),
        np.char.lower(crm.STREET_KINDS),
    ]
)
_UNIT_CASES = _cases(crm.UNITS)
_LETTERS = np.concatenate([crm.CAPITALS, np.char.lower(crm.CAPITALS)])


@dataclass(frozen=True)
class Turnover:
    """Additions, changes and removals of all batches.

    Attributes:
        first: per prospect, the first batch whose dump has it.
        gone: per prospect, the first batch whose dump no longer has it (beyond the last batch if it stays).
        change_batch, change_id, change_count: one element per change, in batch order; the count includes it.
    """

    first: Integers
    gone: Integers
    change_batch: Integers
    change_id: Integers
    change_count: Integers

    def present(self, ids: Integers, batch: int) -> Flags:
        """Which prospects are in the dump of a batch."""
        return (self.first[ids] <= batch) & (batch < self.gone[ids])

    def changes_before(self, ids: Integers, batch: int) -> Integers:
        """How often each prospect has changed before a batch."""
        earlier = self.change_id[: np.searchsorted(self.change_batch, batch)]
        return np.bincount(earlier, minlength=len(self.first))[ids]


def turnover(parameters: Parameters) -> Turnover:
    """Draw, batch by batch, who disappears, who changes and who is new."""
    sizes, batches = parameters.sizes, parameters.batches
    first = np.ones(sizes.prospects + (batches - 1) * sizes.prospect_turnover, dtype=np.int64)
    gone = np.full(len(first), batches + 1)
    count = np.zeros(len(first), dtype=np.int64)
    events: list[tuple[int, int, int]] = []
    pool = Pool(len(first), Stream(parameters.seed, "prospect.turnover"))
    pool.add(0, sizes.prospects)
    known = sizes.customers_after(sizes.steps)
    for batch in range(1, batches + 1):
        drawn = pool.draw(sizes.prospect_turnover + sizes.prospect_updates, batch)
        vanished, changed = drawn[: sizes.prospect_turnover], drawn[sizes.prospect_turnover :]
        pool.remove(vanished)
        gone[vanished] = batch
        if batch == 1:
            continue
        _change_a_customer(changed, gone[:known] > batch)
        for prospect in changed:
            count[prospect] += 1
            events.append((batch, prospect, int(count[prospect])))
        new = sizes.prospects + (batch - 2) * sizes.prospect_turnover
        first[new : new + sizes.prospect_turnover] = batch
        pool.add(new, new + sizes.prospect_turnover)
    changes = np.array(events, dtype=np.int64).reshape(-1, 3)
    return Turnover(first, gone, changes[:, 0], changes[:, 1], changes[:, 2])


def _change_a_customer(changed: list[int], customers_present: Flags) -> None:
    """Make sure that one of the changed prospects is a customer, if any is left."""
    present = np.flatnonzero(customers_present)
    if len(present) and not any(prospect < len(customers_present) for prospect in changed):
        changed[0] = int(present[changed[0] % len(present)])


def _customers(parameters: Parameters, ids: Integers) -> Integers:
    """The customer that each prospect is, or becomes, `crm.ABSENT` for strangers."""
    if parameters.conversion_signal:
        return prospect_customers(parameters)[ids]
    return _newcomers(parameters, ids)


@lru_cache(maxsize=2)
def prospect_customers(parameters: Parameters) -> Integers:
    """The customer that each prospect is in the end."""
    plan = turnover(parameters)
    customers = _newcomers(parameters, np.arange(len(plan.first)))
    return converted(parameters, plan, customers) if parameters.conversion_signal else customers


def _newcomers(parameters: Parameters, ids: Integers) -> Integers:
    """The customer that each prospect is, `crm.ABSENT` for strangers.

    The first ids are all customers of the history in random order, the first new ones of a batch are its new customers.
    """
    sizes = parameters.sizes
    known = sizes.customers_after(sizes.steps)
    batch, rank = np.divmod(ids - sizes.prospects, sizes.prospect_turnover)
    newcomer = sizes.customers_after(sizes.steps) + batch * sizes.customer_mix.new + rank
    is_newcomer = (ids >= sizes.prospects) & (rank < sizes.customer_mix.new)
    customer = _customer_order(parameters)[np.minimum(ids, known - 1)]
    return np.where(ids < known, customer, np.where(is_newcomer, newcomer, crm.ABSENT))


@lru_cache(maxsize=2)
def _customer_order(parameters: Parameters) -> Integers:
    sizes = parameters.sizes
    return Stream(parameters.seed, "prospect.customer").permutation(
        sizes.customers_after(sizes.steps)
    )


def write(workspace: Workspace, parameters: Parameters) -> None:
    """Prospect.csv of every batch, with audit files.

    Batches are written together, some at a time: what stays the same is rendered once for all of them.
    """
    plan = turnover(parameters)
    for first in range(1, parameters.batches + 1, _BATCHES_AT_ONCE):
        batches = range(first, min(first + _BATCHES_AT_ONCE, parameters.batches + 1))
        with ExitStack() as stack:
            files = {
                batch: stack.enter_context(workspace.file(batch, "Prospect.csv"))
                for batch in batches
            }
            tallies = {batch: Tally.of(*_COUNTERS) for batch in batches}
            for ids in chunks(0, len(plan.first), _CHUNK):
                _write_dumps(parameters, plan, ids, files, tallies)
        for batch, tally in tallies.items():
            write_audit(workspace, batch, "Prospect", tally)


def _write_dumps(
    parameters: Parameters,
    plan: Turnover,
    ids: Integers,
    files: dict[int, DataFile],
    tallies: dict[int, Tally],
) -> None:
    """Append the rows of these prospects to the dumps of consecutive batches."""
    first, last = min(files), max(files)
    ids = ids[(plan.first[ids] <= last) & (plan.gone[ids] > first)]
    if not len(ids):
        return
    rows = np.array(_render(parameters, ids, plan.changes_before(ids, first)), dtype=object)
    comes = batch_of_customers(parameters, _customers(parameters, ids))
    changes = np.flatnonzero((first <= plan.change_batch) & (plan.change_batch <= last)
                             & (ids[0] <= plan.change_id) & (plan.change_id <= ids[-1]))  # fmt: skip
    changed_rows: list[bytes] = []
    if len(changes):
        changed_rows = _render(parameters, plan.change_id[changes], plan.change_count[changes])
    for batch, file in files.items():
        for change, row in zip(changes, changed_rows, strict=True):
            if plan.change_batch[change] == batch:
                rows[np.searchsorted(ids, plan.change_id[change])] = row
        present = plan.present(ids, batch)
        file.write(b"".join(rows[present]), int(np.sum(present)))
        tallies[batch]["Prospect.P_C_MATCHING"] += int(np.sum((comes <= batch) & present))
        tallies[batch]["Prospect.P_RECORDS"] += int(np.sum(present))
        tallies[batch]["Prospect.P_NEW"] += int(np.sum(present & (plan.first[ids] == batch)))


def agency_ids(parameters: Parameters, ids: Integers) -> list[str]:
    """The keys of prospects, as the list has them."""
    rows = _render(parameters, ids, np.zeros(len(ids), dtype=np.int64))
    return [row.split(b",", 1)[0].decode() for row in rows]


def _render(parameters: Parameters, ids: Integers, changes: Integers) -> list[bytes]:
    """Rows of prospects that have changed so many times."""
    customers = _customers(parameters, ids)
    known = customers != crm.ABSENT
    names = _Names(parameters, ids)
    cells = names.of_strangers()
    if known.any():
        for column, values in names.of_customers(customers[known], known).items():
            cells[column] = _overlaid(cells[column], values, known)
    agency = cells["last"].view(np.uint8).reshape(len(ids), -1)[:, :3]
    return rows_of([
        np.ascontiguousarray(agency).view("S3").ravel(), integers(ids), b",", cells["last"], b",",
        cells["first"], b",", cells["middle"], b",", cells["gender"], b",", cells["line_1"], b",",
        cells["line_2"], b",", cells["zip"], b",", cells["city"], b",", cells["state"], b",", cells["country"],
        _demographics(parameters, rows_of_prospects(ids, changes)), END_OF_ROW,
    ])  # fmt: skip


def _overlaid(base: Cell, values: Cell, rows: Flags) -> Cell:
    """`base` with the values put into the chosen rows, wide enough for both."""
    wide = base.astype(f"S{max(base.itemsize, values.itemsize)}")
    wide[rows] = values
    return wide


class _Names:
    """Names and addresses of prospects."""

    def __init__(self, parameters: Parameters, ids: Integers) -> None:
        self._parameters, self._ids = parameters, ids

    def _stream(self, column: str) -> Stream:
        return Stream(self._parameters.seed, f"prospect.{column}")

    def _case(self, column: str) -> Integers:
        return self._stream(f"{column}_case").pick(self._ids, _CASE_WEIGHTS)

    def _letters(self, column: str, shortest: int, longest: int) -> Cell:
        """Random letters in one of three cases."""
        draws, case = self._stream(column).bits(self._ids), self._case(column)
        lower = text_pool(self._parameters.seed, column, longest, "lower").texts(
            draws, shortest, longest
        )
        upper = text_pool(self._parameters.seed, column, longest, "upper").texts(
            draws, shortest, longest
        )
        texts = np.ascontiguousarray(np.where(case == _UPPER, upper, lower))
        letters = texts.view(np.uint8).reshape(len(texts), -1)
        letters[case == _AS_IS, 0] -= 32
        return texts

    def _given(self, column: str, percent: int) -> Flags:
        return ~self._stream(f"{column}_null").chance(self._ids, percent)

    def of_strangers(self) -> dict[str, Cell]:
        """Random letters, in a real city."""
        ids = self._ids
        gender = np.where(
            self._stream("gender_known").chance(ids, 98),
            _GENDERS.take(self._stream("gender").below(ids, len(_GENDERS))),
            _ODD_GENDERS.take(self._stream("gender_odd").below(ids, len(_ODD_GENDERS))),
        )
        country = np.where(self._stream("country").chance(ids, 80), 1, 2)
        return {
            "last": self._letters("last", 5, 30),
            "first": self._letters("first", 5, 30),
            "middle": only(
                self._given("middle", 53), _LETTERS.take(self._stream("middle").below(ids, 52))
            ),
            "gender": only(self._given("gender", 53), gender),
            "line_1": only(self._given("line_1", 5), self._letters("line_1", 5, 80)),
            "line_2": only(self._given("line_2", 5), self._letters("line_2", 5, 80)),
            "zip": only(self._given("zip", 5), self._letters("zip", 5, 12)),
            "city": crm.CITIES.take(self._stream("city").below(ids, len(crm.CITIES))),
            "state": crm.STATES.take(self._stream("state").below(ids, len(crm.STATES))),
            "country": only(self._given("country", 6), _COUNTRIES.take(country)),
        }

    def of_customers(self, customers: Integers, rows: Flags) -> dict[str, Cell]:
        """Name and address of each customer's first record, in one of three cases per field."""
        fields = crm.customer_fields(self._parameters, customers)
        case = {
            column: self._case(column)[rows]
            for column in ("last", "first", "line_1", "line_2", "zip")
        }

        def cased(cells: Cell, column: str, index: Integers) -> Cell:
            return cells.take(case[column] * (len(cells) // 3) + index)

        unit = cased(_UNIT_CASES, "line_2", np.maximum(fields["unit_kind"], 0))
        return {
            "last": cased(_LAST_NAMES, "last", fields["last"]),
            "first": cased(_FIRST_NAMES, "first", fields["first"]),
            "middle": crm_cells.pick(crm.CAPITALS, fields["middle"]),
            "gender": crm_cells.pick(crm.GENDERS, fields["gender"]),
            "line_1": joined([
                *integers(fields["house"]), b" ", cased(_STREET_CASES, "line_1", fields["street"]), b" ",
                cased(_KIND_CASES, "line_1", fields["street_kind"]),
            ]),
            "line_2": only(fields["unit_kind"] != crm.ABSENT, joined([unit, *integers(fields["unit"])])),
            "zip": crm_cells.zip_cells(fields["zip"], case["zip"] == _UPPER, case["zip"] == _LOWER),
            "city": crm.CITIES.take(fields["city"]),
            "state": crm.STATES.take(fields["state"]),
            "country": _COUNTRIES.take(fields["country"]),
        }  # fmt: skip


def _demographics(parameters: Parameters, rows: Integers) -> list[Any]:
    """Phone, income, cars, children, marital status, age, rating, ownership, employer, cards, net worth; 5 % null each."""

    def stream(column: str) -> Stream:
        return Stream(parameters.seed, f"prospect.{column}")

    def optional(column: str, parts: list[Any]) -> list[Any]:
        given = is_given(parameters, column, rows)
        return [
            b",",
            [
                only(given, np.full(len(rows), part) if isinstance(part, bytes) else part)
                for part in parts
            ],
        ]

    def number(column: str) -> list[Any]:
        return optional(column, integers(figure(parameters, column, rows)))

    phone = stream("phone").below(rows, 10**9)
    employer = stream("employer").below(rows, len(_EMPLOYERS) - 1)
    quoted = stream("quoted").at_least(
        rows >> 9, parameters.sizes.prospects, parameters.hard_cases.error_floor, 1000
    )
    employer = np.where(quoted, len(_EMPLOYERS) - 1, employer)
    return [
        optional("phone", [b"1-", *zero_padded(phone // 10**6, 3), b"-", *zero_padded(phone // 1000 % 1000, 3), b"-",
                           *zero_padded(phone * 7 % 10**4, 4)]),
        number("income"), number("cars"), number("children"),
        optional("marital", [_MARITAL.take(stream("marital").pick(rows, _MARITAL_WEIGHTS))]),
        number("age"), number("rating"),
        optional("ownership", [_OWNERSHIP.take(stream("ownership").pick(rows, _OWNERSHIP_WEIGHTS))]),
        optional("employer", [_EMPLOYERS.take(employer)]), number("cards"),
        number("net_worth"),
    ]  # fmt: skip
