"""The personnel system: HR.csv. Employees with job code 314 are the brokers that accounts and trades refer to."""

from functools import lru_cache
from typing import Any

import numpy as np

from brokerage_sources.generate import words
from brokerage_sources.generate.audit import Tally, write_audit
from brokerage_sources.generate.cells import (
    END_OF_ROW,
    Cell,
    assemble,
    chunks,
    integers,
    only,
    table,
    text_pool,
    zero_padded,
)
from brokerage_sources.generate.draws import Flags, Integers, Stream
from brokerage_sources.generate.parameters import Parameters
from brokerage_sources.generate.writing import Workspace

_BROKER, _NONE = 0, 10  # positions in _JOB_CODES
_JOB_CODES = table(["314", "47", "48", "262", "266", "364", "393", "534", "647", "658", ""], ",")
_JOB_WEIGHTS = [285, 74, 74, 74, 74, 74, 74, 74, 74, 73, 50]
_FIRST_NAMES = table(words.FIRST_NAMES, ",")
_LAST_NAMES = table(words.LAST_NAMES, ",")
_INITIALS = table([*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", ""], ",")
_MANAGERS_SHARE = 10  # one employee in ten can be somebody's manager


def _jobs(parameters: Parameters, employees: Integers) -> Integers:
    return Stream(parameters.seed, "hr.job").pick(employees, _JOB_WEIGHTS)


@lru_cache(maxsize=2)
def broker_ids(parameters: Parameters) -> Integers:
    """Employee ids of all brokers, ascending."""
    return np.flatnonzero(_jobs(parameters, np.arange(parameters.sizes.employees)) == _BROKER)


def write(workspace: Workspace, parameters: Parameters) -> None:
    """HR.csv and its audit file."""
    tally = Tally.of("DimBroker.HR_BROKERS")
    with workspace.file(1, "HR.csv") as file:
        for employees in chunks(0, parameters.sizes.employees):
            jobs = _jobs(parameters, employees)
            tally["DimBroker.HR_BROKERS"] += int(np.sum(jobs == _BROKER))
            file.write(assemble(_row(parameters, employees, jobs)), len(employees))
    write_audit(workspace, 1, "HR", tally)


def _row(parameters: Parameters, employees: Integers, jobs: Integers) -> list[Any]:
    def stream(column: str) -> Stream:
        return Stream(parameters.seed, f"hr.{column}")

    def name(cells: Cell, column: str) -> Cell:
        return cells.take(stream(column).below(employees, len(cells)))

    def known(column: str) -> Flags:
        return ~stream(f"{column}_null").chance(employees, 5)

    managers = parameters.sizes.employees // _MANAGERS_SHARE
    initial = np.where(
        stream("initial_given").chance(employees, 371, 1000),
        stream("initial").below(employees, 26),
        26,
    )
    branch = text_pool(parameters.seed, "branch", 30, "blank").texts(
        stream("branch").bits(employees), 20, 30
    )
    digits = stream("phone").below(employees, 10**9)
    phone = [b"(", *zero_padded(100 + digits // 10**7 % 900, 3), b") ", *zero_padded(digits // 10**4 % 1000, 3), b"-",
             *zero_padded(digits % 10**4, 4)]  # fmt: skip
    office = [b"OFFICE", *zero_padded(stream("office").below(employees, 10**4), 4)]
    return [
        integers(employees), b",", integers(stream("manager").between(employees, 1, managers)), b",",
        name(_FIRST_NAMES, "first"), name(_LAST_NAMES, "last"), _INITIALS.take(initial), _JOB_CODES.take(jobs),
        only(known("branch"), branch), b",", _optional(office, known("office")), b",",
        _optional(phone, known("phone")), END_OF_ROW,
    ]  # fmt: skip


def _optional(parts: list[Any], given: Flags) -> list[Any]:
    """The parts where given, nothing elsewhere."""
    size = len(given)
    return [only(given, np.full(size, part) if isinstance(part, bytes) else part) for part in parts]
