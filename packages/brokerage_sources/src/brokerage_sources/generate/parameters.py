"""What to generate: the caller's parameters and every size that follows from them.

`Parameters` is what a caller chooses. `Sizes` is what follows: how many rows, steps and ids each source system gets.
From scale factor 3 upwards the sizes follow the published workload exactly (`S` below is 1000 x the scale factor).

**Below scale factor 3** those rules break down: they would give quarters without a new company and customers who watch
more securities than exist. A smaller dataset therefore takes *the same steps as scale 3, only fewer of them*, and starts
with a few more rows so that there is something to act upon:

| system    | rule below scale factor 3                                                                       |
| --------- | ----------------------------------------------------------------------------------------------- |
| crm       | a step has the 15 customer and 30 account events of scale 3; `428 S / 3000` steps, at least 24; |
|           | 100 customers at the start, so that more than 320 exist and every tax rate is somebody's        |
| hr        | at least 200 employees                                                                          |
| finwire   | at least 4 company and 6 security records a quarter, in the last 8 or more quarters only; before|
|           | these the companies and securities of the start only file their figures                         |
| prospect  | at least 10 prospects for 3 customers; the churn of a batch is that of scale 3                  |
| brokerage | at least 10 trades a day                                                                        |
| watches   | capped so that nobody has to watch more than 70 % of the securities                             |

**From scale factor 3 upwards** one rule is also the generator's own. The published number of CRM steps leaves whatever remains of `5 S`
actions to the start, between `.003 S` and `.0145 S` customers, while the first step acts on `.005 S` different ones. Where the
start is too small for that (scale factors 4.7 and 13, but not 3, 5 or 10), there is one step fewer, whose actions become
customers of the start.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import ceil, floor

from brokerage_sources.generate import calendar

MAX_BATCHES = 365
MAX_SCALE_FACTOR = 10_000
MAX_SIGNAL = 3
OFFICIAL_FLOOR = 3000  # S at scale factor 3

# Formats of source files; audit files and control files in the root are no data and have none.
DELIMITED, FIXED_WIDTH, XML = "delimited", "fixed_width", "xml"
FORMATS = (DELIMITED, FIXED_WIDTH, XML)

QUARTERS = 203  # 1967Q1 .. 2017Q3
MARKET_DAYS = 732  # 2015-07-06 .. 2017-07-06
TRADE_DAYS = 1827  # 2012-07-07 .. 2017-07-07


class ParameterError(ValueError):
    """A parameter is out of range; the message says which one, and what is allowed."""


@dataclass(frozen=True)
class HardCaseOptions:
    """Deliberate hard cases, small by default. 0 turns an option off.

    Attributes:
        same_day_every: one CRM step in this many holds a *same-day double*: two changes of one customer, a change and
            the inactivation of one customer, two changes of one account, a change and the closing of one account, or a
            change of a customer and of its account (in turns). Actions are moved, not added: row counts stay.
        error_floor: every kind of dirty value occurs at least this often in the historical batch, however small the
            dataset (larger datasets have the rates of the published workload).
        incremental_errors: batches 2 and 3 each hold this many customers of every error kind (tier missing, tier
            invalid, born too early, born too late), and at least this many trades with an invalid charge and with an
            invalid commission.
        same_batch_trade_percent: share of an incremental batch's buys (at least one) on accounts opened in that batch.
        same_quarter_issue_percent: share of new securities whose company is first reported in the same quarter.
        inactivated_owner_change: 1: in each incremental batch, one account of a customer inactivated by that batch also
            changes.
    """

    same_day_every: int = 4
    error_floor: int = 4
    incremental_errors: int = 1
    same_batch_trade_percent: int = 1
    same_quarter_issue_percent: int = 5
    inactivated_owner_change: int = 1

    def __post_init__(self) -> None:
        limits = {
            "same_day_every": 1000,
            "error_floor": 20,
            "incremental_errors": 2,
            "same_batch_trade_percent": 100,
            "same_quarter_issue_percent": 100,
            "inactivated_owner_change": 1,
        }
        for name, limit in limits.items():
            value = getattr(self, name)
            if not 0 <= value <= limit:
                raise ParameterError(f"{name} must be from 0 to {limit}, not {value}")


@dataclass(frozen=True)
class Parameters:
    """The choices that decide which files a dataset has, and every byte of them.

    Attributes:
        scale_factor: size; 1 is about 90 MiB. Any positive number, including fractions.
        seed: same seed, same dataset.
        incremental_batches: daily batches after the historical one (1..365).
        formats: write only the files of these formats (see `FORMATS`), with the bytes they have in the complete dataset.
        hard_cases: see `HardCaseOptions`.
        attrition_signal: how strongly it can be foreseen who leaves (see `attrition`); 0: not at all.
        conversion_signal: how strongly it can be foreseen which prospects become customers (see `conversion`); 0: none does.
    """

    scale_factor: float | Fraction = 1
    seed: int = 1
    incremental_batches: int = 2
    formats: frozenset[str] = frozenset(FORMATS)
    hard_cases: HardCaseOptions = field(default_factory=HardCaseOptions)
    attrition_signal: float = 0.0
    conversion_signal: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.scale_factor <= MAX_SCALE_FACTOR:
            raise ParameterError(
                f"the scale factor must be a number above 0 and up to {MAX_SCALE_FACTOR}, "
                f"not {self.scale_factor}"
            )
        if not 1 <= self.incremental_batches <= MAX_BATCHES:
            raise ParameterError(
                f"the number of incremental batches must be from 1 to {MAX_BATCHES}, "
                f"not {self.incremental_batches}"
            )
        if not 0 <= self.seed < 2**63:
            raise ParameterError(
                f"the seed must be a whole number from 0 to 2^63-1, not {self.seed}"
            )
        for name in ("attrition_signal", "conversion_signal"):
            strength = getattr(self, name)
            if not 0 <= strength <= MAX_SIGNAL:
                raise ParameterError(f"{name} must be from 0 to {MAX_SIGNAL}, not {strength}")
        if not self.formats or self.formats - set(FORMATS):
            given = ", ".join(sorted(self.formats)) or "none"
            raise ParameterError(f"the formats must be some of {', '.join(FORMATS)}, not {given}")

    @property
    def batches(self) -> int:
        """Number of batch folders: the historical one and the incremental ones."""
        return self.incremental_batches + 1

    @cached_property
    def sizes(self) -> "Sizes":
        """All sizes that follow from these parameters."""
        return Sizes.of(self)


@dataclass(frozen=True)
class StepMix:
    """How many records of one kind a step (or quarter) creates, changes and ends."""

    new: int
    change: int
    end: int

    @property
    def total(self) -> int:
        """Records of all three kinds."""
        return self.new + self.change + self.end


@dataclass(frozen=True)
class QuarterPlan:
    """Records of one FINWIRE kind: `initial` in its first quarter, then `mix` from quarter `first` to the last."""

    initial: int
    first: int
    mix: StepMix

    @property
    def created(self) -> int:
        """Entities ever created."""
        return self.initial + (QUARTERS - self.first) * self.mix.new

    def created_before(self, quarter: int) -> int:
        """Entities created before a quarter after the first."""
        return (
            self.initial + min(max(0, quarter - self.first), QUARTERS - self.first) * self.mix.new
        )

    @property
    def records(self) -> int:
        """Records of all quarters."""
        return self.initial + (QUARTERS - self.first) * self.mix.total

    @property
    def lifetime(self) -> int:
        """Quarters that all entities together live, roughly."""
        growing = QUARTERS - self.first
        return QUARTERS * self.initial + (self.mix.new - self.mix.end) * growing**2 // 2


@dataclass(frozen=True)
class Sizes:
    """Row counts per system. A *step* is one unit of CRM time; an incremental batch is one step."""

    employees: int
    steps: int
    first_customers: int
    customer_mix: StepMix
    account_mix: StepMix
    companies: QuarterPlan
    securities: QuarterPlan
    prospects: int
    prospect_turnover: int
    prospect_updates: int
    trades_per_day: int
    watches_per_step: int

    @classmethod
    def of(cls, parameters: Parameters) -> "Sizes":
        """The sizes of a dataset."""
        scaled = Fraction(str(parameters.scale_factor)) * 1000
        toy = scaled < OFFICIAL_FLOOR
        stepped = max(scaled, Fraction(OFFICIAL_FLOOR))  # what one step looks like
        customer_mix = _crm_mix(floor(stepped / 200))
        account_mix = _crm_mix(floor(stepped / 100))
        accounts_added = account_mix.new - customer_mix.new
        # what a step acts upon, all different: the customers it changes, ends and adds accounts to, and likewise accounts
        targets = max(
            customer_mix.change + customer_mix.end + accounts_added,
            account_mix.change + account_mix.end,
        )
        steps, first_customers = _crm_steps(scaled, targets)
        companies = _quarters(floor(scaled / 2), start=0, toy=(4, 30) if toy else None)
        securities = _quarters(floor(scaled * 4 / 5), start=1, toy=(6, 40) if toy else None)
        customers = first_customers + steps * customer_mix.new
        prospects = floor(5 * scaled)
        watches = ceil(300 * scaled / (steps + 1))
        trades = ceil(130 * scaled / 1828)
        sizes = cls(
            employees=max(200, floor(5 * scaled)),
            steps=steps,
            first_customers=first_customers,
            customer_mix=customer_mix,
            account_mix=account_mix,
            companies=companies,
            securities=securities,
            prospects=max(prospects, ceil(customers * Fraction(10, 3))) if toy else prospects,
            prospect_turnover=floor(stepped * 6 / 1000),
            prospect_updates=floor(stepped * 8 / 1000),
            trades_per_day=max(10, trades) if toy else trades,
            watches_per_step=watches,
        )
        if not toy:
            return sizes
        cap = _watch_cap(sizes)
        return cls(**{**sizes.__dict__, "watches_per_step": min(watches, cap)})

    @property
    def accounts_added(self) -> int:
        """Accounts a step opens for customers who have one already."""
        return self.account_mix.new - self.customer_mix.new

    @property
    def actions_per_step(self) -> int:
        """Rows of CustomerMgmt per step (a new customer and its account are one action)."""
        return (
            self.customer_mix.total
            + self.accounts_added
            + self.account_mix.change
            + self.account_mix.end
        )

    def customers_after(self, step: int) -> int:
        """Customers ever created up to the end of this step; their ids are 0 .. this - 1."""
        return self.first_customers + step * self.customer_mix.new

    def accounts_after(self, step: int) -> int:
        """Accounts ever created up to the end of this step; their ids are 0 .. this - 1."""
        return self.first_customers + step * self.account_mix.new

    def step_of_batch(self, batch: int) -> int:
        """The step that an incremental batch (2, 3, ...) is; batch 1 ends with step `steps`."""
        return self.steps + batch - 1

    @property
    def prospect_rows(self) -> int:
        """Rows of Prospect.csv in every batch."""
        return self.prospects - self.prospect_turnover

    @property
    def watch_cancels_per_step(self) -> int:
        """Canceled watches of a step after the first."""
        return self.watches_per_step // 5

    @property
    def historical_trades(self) -> int:
        """Trades of batch 1."""
        return TRADE_DAYS * self.trades_per_day

    @property
    def historical_watches(self) -> int:
        """Rows of WatchHistory in batch 1."""
        return (self.steps + 1) * self.watches_per_step


def _crm_mix(total: int) -> StepMix:
    end, change = max(1, total // 10), max(1, total // 5)
    return StepMix(new=total - end - change, change=change, end=end)


def _crm_steps(scaled: Fraction, targets: int) -> tuple[int, int]:
    """Number of steps and of customers at the start, at least the targets of a step."""
    if scaled < OFFICIAL_FLOOR:
        return max(24, floor(428 * scaled / OFFICIAL_FLOOR)), 100
    rows, per_step = floor(5 * scaled), ceil(scaled * Fraction(115, 10_000))
    steps = (rows - floor(scaled * 3 / 1000)) // per_step
    if rows - steps * per_step < targets:
        steps -= 1
    return steps, rows - steps * per_step


def _quarters(total: int, start: int, toy: tuple[int, int] | None) -> QuarterPlan:
    """Split `total` records: the initial ones in quarter `start`, then the same mix each quarter.

    `toy` gives the smallest number of records per quarter and of initial records, for datasets below scale factor 3.
    """
    active = QUARTERS - 1 - start
    per_quarter = total // (active + 1)
    if toy:
        per_quarter = max(toy[0], per_quarter)
        total = max(total, toy[1] + 8 * per_quarter)
        active = min(active, max(8, total * 3 // 4 // per_quarter))
    end, change = max(1, per_quarter // 50), max(1, per_quarter // 100)
    mix = StepMix(new=per_quarter - end - change, change=change, end=end)
    return QuarterPlan(initial=total - active * per_quarter, first=QUARTERS - active, mix=mix)


def _watch_cap(sizes: Sizes) -> int:
    """Watches per step so that the longest-standing customer watches at most 70 % of the securities.

    Customers take turns, so in a step with n customers each sets (rows / n) watches; securities that do not exist yet
    are skipped, hence the share of those that do. Room is kept for the greatest number of batches, so that no batch depends on how many
    there are.
    """
    load = Fraction(0)
    for step in range(sizes.steps + MAX_BATCHES + 1):
        start, _ = calendar.step_bounds(calendar.TRADE_FIRST_DAY, step, sizes.steps)
        known = sizes.securities.created_before(calendar.quarter_of_day(start // calendar.DAY))
        load += Fraction(sizes.securities.created, known * sizes.customers_after(max(0, step - 1)))
    return max(10, floor(sizes.securities.created * Fraction(7, 10) / (load * Fraction(4, 5))))
