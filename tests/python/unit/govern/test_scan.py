"""What the scan takes for personal, and what not."""

from pathlib import Path

import duckdb
import pytest

from scripts.govern.columns import Column
from scripts.govern.scan import Finding, kinds_in, scan
from scripts.warehouse.duckdb_warehouse import DuckDBWarehouse


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("563-55-9040", {"tax number"}),
        ("tax number 563-55-9040, please check", {"tax number"}),
        ("Ann.B.Lee@example.com", {"e-mail"}),
        ("write to <a+b@mail.example.org>.", {"e-mail"}),
        ("1-885-415-5882", {"phone"}),
        ("+44 (567) 989-5161", {"phone"}),
        ("472-5179", {"phone"}),
        ("(567) 989-516105810", {"phone"}),
        ("4111 1111 1111 1111", {"card number"}),
        ("paid with 378282246310005", {"card number"}),
        ("Lindqvist", {"name"}),
        ("called Ann-Marie Lindqvist back", {"name"}),
        ("United States of Lindqvist", set()),
        ("O'BRIEN", {"name"}),
        ("4111 1111 1111 1112", set()),
        ("9000000000000000", set()),
        ("2017-07-08", set()),
        ("2017-07-08 12:30:45.123456", set()),
        ("0123456789abcdef0123456789abcdef", set()),
        ("121bd00c-c68f-24e7-44bf-75a2f349ad4f", set()),
        ("AAAAAAAAAAAAABN", set()),
        ("Batch1/FINWIRE1997Q3", set()),
        ("12-345-6789012", set()),
        ("a@b", set()),
        ("Lindqvistson", set()),
        ("", set()),
    ],
)
def test_kinds_are_known_by_form_check_digit_or_name(value: str, kinds: set[str]) -> None:
    assert kinds_in(value, {"lindqvist", "ann-marie", "o'brien"}) == kinds


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    """A table of persons, and one with remarks."""
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create schema marts; create table marts.person as select * from (values ('Lindqvist'), ('Li'), (null)) as p (name);"
            " create table marts.remark as select case when n = 7 then '563-55-9040' else 'remark ' || n end as words,"
            " case when n <= 4 then 'Lindqvist ' || n else 'Li ' || n end as few, case when n <= 5 then 'Lindqvist ' || n else 'x' || n end as many,"
            " cast(null as varchar) as nothing from range(1, 101) as r (n)"
        )
    return DuckDBWarehouse(file)


def test_one_number_among_a_hundred_values_is_found_and_not_shown(
    warehouse: DuckDBWarehouse,
) -> None:
    (finding,) = scan(warehouse, [Column("marts.remark", "words")], [])
    assert finding == Finding(Column("marts.remark", "words"), "tax number", 1, 100)
    assert "563" not in str(finding)


def test_names_are_found_where_they_are_no_accident(warehouse: DuckDBWarehouse) -> None:
    columns = [Column("marts.remark", name) for name in ("few", "many", "nothing")]
    names = [Column("marts.person", "name")]
    assert [(each.column.name, each.kind) for each in scan(warehouse, columns, names)] == [
        ("many", "name")
    ]
    assert list(scan(warehouse, columns, [])) == []
