"""What customers and accounts are: at the start, after each update, and at any time.

What a customer was at the start is a pure function of its id (`customer_fields`), what an update changes is a pure function of the
update's number (`customer_changes`), and the image of a customer is its first fields with its updates applied in turn
(`customer_images`). Accounts likewise. So no state has to be carried through the history.

Values are indexes into the tables of this module, or numbers; `ABSENT` is a missing value.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from brokerage_sources.generate import calendar, hr, words
from brokerage_sources.generate.cells import table
from brokerage_sources.generate.crm_actions import UPDACCT, UPDCUST, Actions
from brokerage_sources.generate.draws import Flags, Integers, Stream
from brokerage_sources.generate.parameters import Parameters

Fields: TypeAlias = dict[str, Integers]

# A missing value: null in a daily file, an empty element or missing attribute in XML.
ABSENT = -1
INVALID_TIERS = np.array([0, 4, 5, 6, 7, 8, 9])
UNITED_STATES = 1

FIRST_NAMES = table(words.FIRST_NAMES)
LAST_NAMES = table(words.LAST_NAMES)
STREETS = table(words.STREETS)
STREET_KINDS = table(words.STREET_KINDS)
CITIES = table(words.CITIES)
STATES = table(words.STATES_AND_PROVINCES)
COUNTRIES = table(words.COUNTRIES)
PROVIDERS = table(words.MAIL_PROVIDERS)
TAX_IDS = table(tax.tax_id for tax in words.tax_rates())
CAPITALS = table("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
GENDERS = table(["M", "F", "m", "f", *"ABCDEGHIJKLNOPQRSTUVWXYZabcdeghijklnopqrstuvwxyz"])
UNITS = table(["Apt. ", "Suite ", "Unit ", "Floor "])
FIELD_GROUPS = {
    "tier": ["tier"],
    "line_1": ["house", "street", "street_kind"],
    "line_2": ["unit_kind", "unit"],
    "zip": ["zip"],
    "city": ["city"],
    "state": ["state"],
    "country": ["country"],
    "email_1": ["provider_1"],
    "email_2": ["provider_2"],
}
"""The parts of a customer that an update sets or leaves, and the fields of each."""
PHONES = (1, 2, 3)


class _Columns:
    """Draws the columns of one table, `total` rows of which belong to the history."""

    def __init__(self, parameters: Parameters, name: str, rows: Integers, total: int) -> None:
        self.parameters, self.rows = parameters, rows
        self._name, self._total = name, total

    def stream(self, field: str) -> Stream:
        return Stream(self.parameters.seed, f"{self._name}.{field}")

    def below(self, field: str, bound: int) -> Integers:
        return self.stream(field).below(self.rows, bound)

    def chance(self, field: str, part: int, whole: int = 100) -> Flags:
        return self.stream(field).chance(self.rows, part, whole)

    def at_least_some(self, field: str, one_in: int) -> Flags:
        """One row in so many, and in a small history at least as many as the option `error_floor` says."""
        floor = self.parameters.hard_cases.error_floor
        return self.stream(field).at_least(self.rows, self._total, floor, one_in)


def customer_fields(parameters: Parameters, ids: Integers) -> Fields:
    """The values of each customer at the start."""
    sizes = parameters.sizes
    columns = _Columns(parameters, "crm.customer", ids, sizes.customers_after(sizes.steps))
    fields = {
        "id": ids,
        "tax_id": (ids * 387_420_489 + 271_828_183 + parameters.seed % 1000) % 10**9,
        "last": columns.below("last", len(LAST_NAMES)),
        "first": columns.below("first", len(FIRST_NAMES)),
        "middle": np.where(
            columns.chance("middle_known", 365, 1000), columns.below("middle", 26), ABSENT
        ),
        "gender": _genders(columns),
        "birth": _births(columns),
        "local_tax": _dealt_tax(parameters, ids),
        "national_tax": columns.below("national_tax", len(TAX_IDS)),
    }
    return fields | {"tier": _first_tiers(columns)} | _changeable(columns, (17, 248, 701))


def customer_changes(parameters: Parameters, ordinals: Integers) -> tuple[Fields, dict[str, Flags]]:
    """What each update changes: new values, and which groups of them are present (phones always are)."""
    total = parameters.sizes.steps * parameters.sizes.customer_mix.change
    columns = _Columns(parameters, "crm.update", ordinals, total)
    present = {group: columns.chance(f"{group}_present", 80) for group in FIELD_GROUPS}
    fields = _changeable(columns, (0, 248, 701))
    for part in ("phone_country", "area", "local", "extension"):
        fields[f"{part}_1"][columns.at_least_some("phone_1_cleared", 59)] = ABSENT
    fields["country"][columns.at_least_some("country_cleared", 20)] = 0
    tiers = _tiers(columns, columns.at_least_some("tier_invalid", 1000))
    cleared = columns.at_least_some("tier_cleared", 25)
    fields["tier"] = np.where(cleared, ABSENT, tiers)
    present["tier"] = cleared | columns.chance("tier_present", 79)
    return fields, present


def _changeable(columns: _Columns, phones_missing: tuple[int, int, int]) -> Fields:
    """The fields that an update can change, except the tier; so many phones in a thousand are missing."""
    fields = {
        "house": 1 + columns.below("house", 25_000),
        "street": columns.below("street", len(STREETS)),
        "street_kind": columns.below("street_kind", len(STREET_KINDS)),
        "unit_kind": np.where(
            columns.chance("unit_given", 10), columns.below("unit_kind", len(UNITS)), ABSENT
        ),
        "unit": 1 + columns.below("unit", 999),
        "zip": _zips(columns),
        "city": columns.below("city", len(CITIES)),
        "state": columns.below("state", len(STATES)),
        "country": np.where(columns.chance("country_us", 80), UNITED_STATES, UNITED_STATES + 1),
        "provider_1": columns.below("provider_1", len(PROVIDERS)),
        "provider_2": np.where(
            columns.chance("email_2_given", 50), columns.below("provider_2", len(PROVIDERS)), ABSENT
        ),
    }
    for phone, missing in zip(PHONES, phones_missing, strict=True):
        fields |= _phone(columns, phone, missing)
    return fields


def _phone(columns: _Columns, phone: int, missing_per_mille: int) -> Fields:
    """Parts of one phone: an area never without a local number, a country never without an area."""
    has_local = ~columns.chance(f"local_{phone}_missing", missing_per_mille, 1000)
    has_area = has_local & columns.chance(f"area_{phone}_given", 50)
    has_country = has_area & columns.chance(f"phone_country_{phone}_given", 50)
    has_extension = has_local & columns.chance(f"extension_{phone}_given", 10)
    return {
        f"phone_country_{phone}": np.where(has_country, 1, ABSENT),
        f"area_{phone}": np.where(has_area, 201 + columns.below(f"area_{phone}", 799), ABSENT),
        f"local_{phone}": np.where(has_local, columns.below(f"local_{phone}", 10**7), ABSENT),
        f"extension_{phone}": np.where(
            has_extension, columns.below(f"extension_{phone}", 10**5), ABSENT
        ),
    }


def _zips(columns: _Columns) -> Integers:
    """US codes 0 .. 99999; Canadian codes 100000 + six base-26 or base-10 digits."""
    canadian = columns.chance("zip_canadian", 20)
    return np.where(
        canadian,
        100_000 + columns.below("zip_code", 26**3 * 1000),
        columns.below("zip_us", 100_000),
    )


def _tiers(columns: _Columns, invalid: Flags) -> Integers:
    tiers = 1 + columns.stream("tier").pick(columns.rows, [10, 31, 59])
    return np.where(invalid, INVALID_TIERS[columns.below("tier_odd", len(INVALID_TIERS))], tiers)


def _first_tiers(columns: _Columns) -> Integers:
    invalid = _dirty(columns, "tier_invalid", slot=0)
    missing = columns.chance("tier_missing", 51, 1000) & ~invalid
    missing |= _in_batch_slot(columns, slot=1)
    return np.where(missing, ABSENT, _tiers(columns, invalid))


def _genders(columns: _Columns) -> Integers:
    """Half are not given; of those given, 1.8 % are letters that mean nothing."""
    odd = columns.at_least_some("gender_odd", 116)
    given = columns.chance("gender_given", 474, 1000)
    nonsense = 4 + columns.below("gender_letter", len(GENDERS) - 4)
    return np.where(odd, nonsense, np.where(given, columns.below("gender", 4), ABSENT))


def _births(columns: _Columns) -> Integers:
    """Days of birth: the hundred years before batch 1, some a century earlier and some in the future."""
    today, century = calendar.FIRST_BATCH_DAY, calendar.HUNDRED_YEARS
    back = columns.below("birth", century + 1)
    too_old = _dirty(columns, "birth_too_old", slot=2) & ~_in_batch_slot(columns, slot=3)
    too_young = _dirty(columns, "birth_too_young", slot=3) & ~too_old
    # a year is left out, so that a future date is in the future in every batch
    late = today + 366 + columns.below("birth", century - 366)
    return np.where(too_old, today - century - 1 - back, np.where(too_young, late, today - back))


def _dirty(columns: _Columns, name: str, slot: int) -> Flags:
    """Rows with an error: one in a thousand, enough of them in a small history, and some in batches 2 and 3."""
    return columns.at_least_some(name, 1000) | _in_batch_slot(columns, slot)


def _in_batch_slot(columns: _Columns, slot: int) -> Flags:
    """True for the customers of batches 2 and 3 that must have the error of this slot (0..3)."""
    sizes, errors = columns.parameters.sizes, columns.parameters.hard_cases.incremental_errors
    position = columns.rows - sizes.customers_after(sizes.steps)
    batch = 2 + position // sizes.customer_mix.new
    rank = position % sizes.customer_mix.new
    chosen = (rank >= slot * errors) & (rank < (slot + 1) * errors)
    return np.asarray((position >= 0) & (batch <= 3) & chosen)


def _dealt_tax(parameters: Parameters, ids: Integers) -> Integers:
    """Local tax rates are dealt out like cards, so that every block of 320 customers has all 320 rates."""
    cards = Stream(parameters.seed, "crm.local_tax").permutation(len(TAX_IDS))
    return cards.take((ids + 37 * (ids // len(TAX_IDS))) % len(TAX_IDS))


def account_fields(parameters: Parameters, ids: Integers) -> Fields:
    """What each account was when it was opened; `name` is a draw for the text pool."""
    sizes = parameters.sizes
    return _account_values(
        _Columns(parameters, "crm.account", ids, sizes.accounts_after(sizes.steps))
    )


def account_changes(parameters: Parameters, ordinals: Integers) -> tuple[Fields, dict[str, Flags]]:
    """What each account update changes. Some change nothing at all."""
    total = parameters.sizes.steps * parameters.sizes.account_mix.change
    columns = _Columns(parameters, "crm.account_update", ordinals, total)
    present = {
        field: columns.chance(f"{field}_present", 80) for field in ("tax_status", "broker", "name")
    }
    nothing = columns.at_least_some("nothing", 125)
    silent = ~(present["tax_status"] | present["broker"] | present["name"])
    present["tax_status"] |= silent
    return _account_values(columns), {field: flags & ~nothing for field, flags in present.items()}


def _account_values(columns: _Columns) -> Fields:
    brokers = hr.broker_ids(columns.parameters)
    name = (columns.stream("name").bits(columns.rows) >> np.uint64(1)).astype(np.int64)
    return {
        "tax_status": columns.stream("tax_status").pick(columns.rows, [10, 70, 20]),
        "broker": brokers[columns.below("broker", len(brokers))],
        "name": np.where(columns.at_least_some("name_missing", 20), ABSENT, name),
    }


# --- images ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _History:
    """Updates sorted by entity and time, to be replayed onto first values."""

    entity: Integers
    ordinal: Integers
    step: Integers

    @classmethod
    def of(cls, actions: Actions, kind: int, entity: Integers) -> "_History":
        chosen = np.flatnonzero(actions.kind == kind)
        order = chosen[np.lexsort((actions.ordinal[chosen], entity[chosen]))]
        return cls(entity[order], actions.ordinal[order], actions.step[order])

    def rounds(self, entity: Integers, step: Integers) -> list[tuple[Integers, Integers]]:
        """First update of every entity, second, ...: (positions in `entity`, ordinals), up to each row's step."""
        position = np.searchsorted(self.entity, entity)
        stop = np.searchsorted(self.entity, entity, side="right")
        rounds: list[tuple[Integers, Integers]] = []
        while True:
            here = np.minimum(position, len(self.entity) - 1)
            rows = np.flatnonzero((position < stop) & (self.step[here] <= step))
            if not len(rows):
                return rounds
            rounds.append((rows, self.ordinal[position[rows]]))
            position = position + 1


def customer_images(parameters: Parameters, actions: Actions, rows: Actions) -> Fields:
    """All fields of the customers of `rows` as they are after these actions."""
    fields = customer_fields(parameters, rows.customer)
    for chosen, ordinals in _History.of(actions, UPDCUST, actions.customer).rounds(
        rows.customer, rows.step
    ):
        values, present = customer_changes(parameters, ordinals)
        for group, names in FIELD_GROUPS.items():
            for name in names:
                fields[name][chosen] = np.where(present[group], values[name], fields[name][chosen])
        for name in (
            name for name in values if name[-2:] in ("_1", "_2", "_3") and name[:8] != "provider"
        ):
            fields[name][chosen] = values[name]
    return fields


def account_images(parameters: Parameters, actions: Actions, rows: Actions) -> Fields:
    """All fields of the accounts of `rows` as they are after these actions."""
    fields = account_fields(parameters, rows.account)
    for chosen, ordinals in _History.of(actions, UPDACCT, actions.account).rounds(
        rows.account, rows.step
    ):
        values, present = account_changes(parameters, ordinals)
        for name, value in values.items():
            fields[name][chosen] = np.where(present[name], value, fields[name][chosen])
    return fields
