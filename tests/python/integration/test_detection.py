"""What goes wrong for real is noticed, and so is its repair; days on which nothing goes wrong are silent."""

from collections.abc import Iterator

import pytest

from scripts.monitor.registry import BLIND, CHECKS
from tests.python.detection.bench import Bench
from tests.python.detection.faults import FAULTS, Fault, measure, server
from tests.python.detection.page import BEGIN, END, PAGE

pytestmark = pytest.mark.integration

# They need no warehouse, so they take seconds. The last one is about what lands, the first about a process.
CHEAP = ("load killed (SIGKILL)", "missing feed", "half the rows")
# So many that the weekday of today has come twice.
DAYS = 16


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("bench"), DAYS)
    bench.prepare()
    return bench


@pytest.fixture(scope="module")
def database() -> Iterator[None]:
    with server():
        yield


def test_days_of_generated_batches_are_silent(bench: Bench) -> None:
    assert bench.alarms == []
    assert bench.clean_looks == 4 * (DAYS + 1)


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.name in CHEAP], ids=lambda fault: fault.name
)
def test_a_fault_and_its_repair_are_noticed(bench: Bench, fault: Fault) -> None:
    result = measure(bench, fault)
    assert result.noticed is not None
    assert result.over is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.name not in CHEAP], ids=lambda fault: fault.name
)
def test_any_other_fault_and_its_repair_are_noticed(
    bench: Bench, database: None, fault: Fault
) -> None:
    test_a_fault_and_its_repair_are_noticed(bench, fault)


def test_each_check_has_a_fault_and_each_fault_is_in_the_table() -> None:
    assert {fault.check for fault in FAULTS} == {*CHECKS, BLIND.name}
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert [fault.name for fault in FAULTS if f"| {fault.name} |" not in table] == []
    assert "not noticed" not in table
    assert " 0 alarms" in table
