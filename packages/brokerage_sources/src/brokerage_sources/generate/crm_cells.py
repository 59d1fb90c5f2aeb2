"""How the parts of a customer or account look, in every format that shows them."""

from typing import Any

import numpy as np

from brokerage_sources.generate.cells import (
    Cell,
    integers,
    joined,
    only,
    table,
    text_pool,
    zero_padded,
)
from brokerage_sources.generate.crm_values import (
    ABSENT,
    CAPITALS,
    CITIES,
    COUNTRIES,
    FIRST_NAMES,
    LAST_NAMES,
    PROVIDERS,
    STATES,
    STREET_KINDS,
    STREETS,
    UNITS,
    Fields,
)
from brokerage_sources.generate.draws import Flags, Integers
from brokerage_sources.generate.parameters import Parameters


def pick(cells: Cell, index: Integers) -> Cell:
    """Entries of a table, empty where the index is `ABSENT`."""
    return only(index != ABSENT, cells.take(np.maximum(index, 0)))


def line_1(fields: Fields) -> Cell:
    """First address line: `4779 Weller Way`."""
    return joined(
        [
            *integers(fields["house"]),
            b" ",
            STREETS.take(fields["street"]),
            b" ",
            STREET_KINDS.take(fields["street_kind"]),
        ]
    )


def line_2(fields: Fields) -> Cell:
    """Second address line: `Apt. 12`, mostly empty."""
    number = only(fields["unit_kind"] != ABSENT, joined(integers(fields["unit"])))
    return joined([pick(UNITS, fields["unit_kind"]), number])


_NUMERALS = table("0123456789")
_SMALL_LETTERS = np.char.lower(CAPITALS)


def zip_cells(code: Integers, upper: Flags, lower: Flags) -> Cell:
    """Postal codes: `77281`, or Canadian `T6B 1I1`, also all lower case or (neither) with one capital: `T6b 1i1`."""
    canadian = code >= 100_000
    parts: list[Integers] = []
    rest = np.maximum(code - 100_000, 0)
    for base in (10, 26, 10, 26, 10, 26):
        rest, part = np.divmod(rest, base)
        parts.insert(0, np.where(canadian, part, ABSENT))
    first = np.where(lower, pick(_SMALL_LETTERS, parts[0]), pick(CAPITALS, parts[0]))
    letters = [
        np.where(upper, pick(CAPITALS, part), pick(_SMALL_LETTERS, part))
        for part in (parts[2], parts[4])
    ]
    digits = [pick(_NUMERALS, part) for part in (parts[1], parts[3], parts[5])]
    blank = only(canadian, np.full(len(code), b" "))
    american = only(~canadian, joined(zero_padded(np.minimum(code, 99_999), 5)))
    return joined([american, first, digits[0], letters[0], blank, digits[1], letters[1], digits[2]])


def zip_code(fields: Fields) -> Cell:
    """Postal code in capitals."""
    every = np.ones(len(fields["zip"]), dtype=bool)
    return zip_cells(fields["zip"], every, ~every)


def email(fields: Fields, which: int) -> Cell:
    """Mail address 1 or 2: `First.M.Last@provider`."""
    provider = fields[f"provider_{which}"]
    middle = pick(table(f".{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), fields["middle"])
    name: list[Any] = [
        FIRST_NAMES.take(fields["first"]),
        middle,
        b".",
        LAST_NAMES.take(fields["last"]),
        b"@",
    ]
    return only(provider != ABSENT, joined([*name, PROVIDERS.take(np.maximum(provider, 0))]))


def tax_number(fields: Fields) -> Cell:
    """Tax number `ddd-dd-dddd`."""
    number = fields["tax_id"]
    return joined(
        [
            *zero_padded(number // 10**6, 3),
            b"-",
            *zero_padded(number // 10**4 % 100, 2),
            b"-",
            *zero_padded(number % 10**4, 4),
        ]
    )


def digit(value: Integers) -> Cell:
    """One digit, or nothing."""
    return pick(_NUMERALS, value)


def phone_cells(fields: Fields, phone: int) -> dict[str, Cell]:
    """The four parts of phone 1, 2 or 3 by their XML tag."""
    local, area = fields[f"local_{phone}"], fields[f"area_{phone}"]
    extension = fields[f"extension_{phone}"]
    number = [
        *zero_padded(np.maximum(local, 0) // 10**4, 3),
        b"-",
        *zero_padded(np.maximum(local, 0) % 10**4, 4),
    ]
    return {
        "C_CTRY_CODE": digit(fields[f"phone_country_{phone}"]),
        "C_AREA_CODE": only(area != ABSENT, joined(integers(np.maximum(area, 0)))),
        "C_LOCAL": only(local != ABSENT, joined(number)),
        "C_EXT": only(extension != ABSENT, joined(zero_padded(np.maximum(extension, 0), 5))),
    }


def account_name(parameters: Parameters, draw: Integers) -> Cell:
    """Random text of 30 to 50 letters for each draw, or nothing."""
    texts = text_pool(parameters.seed, "account_name", 50, "blank").texts(
        draw.astype(np.uint64), 30, 50
    )
    return only(draw != ABSENT, texts)


def address_cells(fields: Fields) -> dict[str, tuple[str, Cell]]:
    """XML element of each address and mail group: group -> (tag, text)."""
    return {
        "line_1": ("C_ADLINE1", line_1(fields)),
        "line_2": ("C_ADLINE2", line_2(fields)),
        "zip": ("C_ZIPCODE", zip_code(fields)),
        "city": ("C_CITY", CITIES.take(fields["city"])),
        "state": ("C_STATE_PROV", STATES.take(fields["state"])),
        "country": ("C_CTRY", COUNTRIES.take(fields["country"])),
        "email_1": ("C_PRIM_EMAIL", email(fields, 1)),
        "email_2": ("C_ALT_EMAIL", email(fields, 2)),
    }
