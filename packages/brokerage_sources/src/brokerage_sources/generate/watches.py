"""The watch lists: WatchHistory.txt. A customer watches a security (ACTV) and may stop to (CNCL); never watches it again.

**Unique pairs without a look-up.** Customers take turns, in an order drawn for each step. The k-th security that customer c comes
to watch is `(A c + B k) mod N` with B coprime to the number N of securities, so for one customer different k give different
securities; a counter per customer holds k. Securities that do not exist yet are skipped, and the next customer takes the turn.

**Cancellations** pick, at random, watches that are still active from earlier steps: a pool from which the picked ones are removed
by moving the last ones into their places.

A step's rows are its watches and cancellations in random order, at evenly spread times. The history has as many steps as that of
the CRM and covers five years; each incremental batch is one more step, of one day. There, the first few watches belong to customers who
are new in the same batch.
"""

from math import gcd

import numpy as np

from brokerage_sources.generate import calendar
from brokerage_sources.generate.audit import Tally, write_audit
from brokerage_sources.generate.cells import CHUNK, assemble, chunks, integers, table, timestamps
from brokerage_sources.generate.draws import Integers, Stream
from brokerage_sources.generate.finwire_plan import finwire_plan, symbols
from brokerage_sources.generate.parameters import Parameters
from brokerage_sources.generate.writing import DataFile, Workspace

_ACTIONS = table(["|ACTV\r\n", "|CNCL\r\n"])
_NEW_CUSTOMERS_FIRST = 3  # watches of a batch that go to the customers of the same batch


class _Watches:
    """The state that goes from step to step: what each customer has watched, and which watches are active."""

    def __init__(self, parameters: Parameters) -> None:
        sizes = parameters.sizes
        self._parameters = parameters
        self._sizes = sizes
        self._plan = finwire_plan(parameters)
        self._securities = sizes.securities.created
        self._stride, self._offset = (
            _coprime(self._securities, 618),
            _coprime(self._securities, 380),
        )
        last = sizes.step_of_batch(parameters.batches)
        self._turns = np.zeros(sizes.customers_after(last), dtype=np.int64)
        new_per_step = sizes.watches_per_step - sizes.watch_cancels_per_step
        self._active = np.zeros((last + 1) * new_per_step + sizes.watches_per_step, dtype=np.int64)
        self._count = 0

    def _stream(self, column: str) -> Stream:
        return Stream(self._parameters.seed, f"watch.{column}")

    def step(self, step: int, batch: int) -> tuple[Integers, Integers, Integers]:
        """Customer, security and action (0 ACTV, 1 CNCL) of the rows of a step, the actions mixed."""
        sizes = self._sizes
        cancels = sizes.watch_cancels_per_step if step else 0
        canceled = self._cancel(cancels, step)
        watched = self._watch(sizes.watches_per_step - cancels, step, batch)
        pairs = np.concatenate([watched, canceled])
        self._active[self._count : self._count + len(watched)] = watched
        self._count += len(watched)
        start = int(self._stream("order").below(np.array([step]), len(pairs))[0])
        order = (start + _coprime(len(pairs), 300 + step % 401) * np.arange(len(pairs))) % len(
            pairs
        )
        pairs = pairs[order]
        customers = pairs // self._securities
        return (
            customers,
            pairs - customers * self._securities,
            (order >= len(watched)).astype(np.int64),
        )

    def _known_securities(self, step: int, batch: int) -> int:
        start, _ = calendar.step_bounds(calendar.TRADE_FIRST_DAY, step, self._sizes.steps)
        day = calendar.batch_day(batch) if batch > 1 else start // calendar.DAY
        return self._plan.securities_before(calendar.quarter_of_day(day))

    def _watch(self, wanted: int, step: int, batch: int) -> Integers:
        """`wanted` new pairs (customer x N + security)."""
        known = self._known_securities(step, batch)
        customers = self._sizes.customers_after(step if batch > 1 else max(0, step - 1))
        found = np.zeros(0, dtype=np.int64)
        if batch > 1:
            new = np.arange(customers - self._sizes.customer_mix.new, customers)[
                :_NEW_CUSTOMERS_FIRST
            ]
            found = self._take_turns(new, known)
        start = int(self._stream("first_customer").below(np.array([step]), customers)[0])
        stride = _coprime(customers, 550 + step % 97)
        turn = 0
        while len(found) < wanted:
            ask = min(customers, (wanted - len(found)) * self._securities // known + 64)
            turns = np.arange(turn, turn + ask) % customers
            found = np.concatenate(
                [found, self._take_turns((start + stride * turns) % customers, known)]
            )
            turn += ask
            if turn > 1000 * customers:
                raise RuntimeError(
                    f"watch step {step}: every customer watches every security already"
                )
        return found[:wanted]

    def _take_turns(self, customers: Integers, known: int) -> Integers:
        """The next security of each of these different customers, where it exists by now."""
        turns = self._turns[customers]
        self._turns[customers] = turns + 1
        security = (self._offset * customers + self._stride * turns) % self._securities
        possible = (security < known) & (turns < self._securities)
        return (customers * self._securities + security)[possible]

    def _cancel(self, count: int, step: int) -> Integers:
        """Remove `count` random watches from the active ones."""
        if not count:
            return np.zeros(0, dtype=np.int64)
        rows = (step << 32) + np.arange(count + count // 4 + 64)
        positions = self._stream("cancel").below(rows, self._count)
        positions = positions[np.sort(np.unique(positions, return_index=True)[1])][:count]
        canceled = self._active[positions]
        kept_size = self._count - len(positions)
        tail = np.ones(len(positions), dtype=bool)
        tail[positions[positions >= kept_size] - kept_size] = False
        self._active[positions[positions < kept_size]] = self._active[kept_size : self._count][tail]
        self._count = kept_size
        return canceled


def _coprime(number: int, per_mille: int) -> int:
    """A number near this share of `number` that has no common divisor with it."""
    candidate = max(1, number * per_mille // 1000)
    while gcd(candidate, number) != 1:
        candidate += 1
    return candidate


def write(workspace: Workspace, parameters: Parameters) -> None:
    """WatchHistory.txt of every batch, with audit files."""
    sizes = parameters.sizes
    watches = _Watches(parameters)
    names = symbols(sizes.securities.created, b"|")
    for batch in range(1, parameters.batches + 1):
        steps = range(sizes.steps + 1) if batch == 1 else [sizes.step_of_batch(batch)]
        tally = Tally.of("FactWatches.WH_ACTIVE", "FactWatches.WH_RECORDS")
        with workspace.file(batch, "WatchHistory.txt") as file:
            for step in steps:
                customers, securities, actions = watches.step(step, batch)
                tally["FactWatches.WH_ACTIVE"] += int(np.sum(actions == 0))
                tally["FactWatches.WH_RECORDS"] += len(actions)
                _write_step(
                    file, parameters, step, (customers, names.take(securities), actions), batch > 1
                )
        write_audit(workspace, batch, "WatchHistory", tally)


def _write_step(
    file: DataFile,
    parameters: Parameters,
    step: int,
    columns: tuple[Integers, np.ndarray, Integers],
    numbered: bool,
) -> None:
    customers, names, actions = columns
    count = len(actions)
    start, end = calendar.step_bounds(calendar.TRADE_FIRST_DAY, step, parameters.sizes.steps)
    stream = Stream(parameters.seed, "watch.time")
    for chosen in chunks(0, count, CHUNK):
        times = calendar.even_times(start, end, chosen, count, stream.bits((step << 32) + chosen))
        number = [b"I|", integers(step * count + chosen), b"|"] if numbered else []
        file.write(
            assemble(
                [
                    number,
                    integers(customers[chosen]),
                    b"|",
                    names[chosen],
                    timestamps(times),
                    _ACTIONS.take(actions[chosen]),
                ]
            ),
            len(chosen),
        )
