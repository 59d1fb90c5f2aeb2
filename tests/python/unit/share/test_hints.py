"""Hints leave out only files without a row that matches, however conditions are nested; and what nobody understands leaves out nothing."""

import json
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from scripts.share import delta
from scripts.share.dumps import File, parquet_relation
from scripts.share.hints import Hints
from scripts.share.index import DUMP, Field, Resource
from scripts.share.policies import Format

TYPES = {"number": "integer", "day": "date", "word": "varchar", "is_open": "boolean"}
SQL = {
    "equal": "=",
    "lessThan": "<",
    "lessThanOrEqual": "<=",
    "greaterThan": ">",
    "greaterThanOrEqual": ">=",
}
JSON_TYPES = {"number": "int", "day": "date", "word": "string", "is_open": "bool"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Resource]:
    """Files with few values each, some of them missing, and one that has only missing ones."""
    folder, random, files = tmp_path_factory.mktemp("hints"), Random(1), []
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
        for number in range(12):
            connection.execute(f"create or replace table t ({columns})")
            rows = [_row(number, random) for _ in range(1 + number % 3)]
            connection.executemany("insert into t values (?, ?, ?, ?)", rows)
            name = f"{number}.parquet"
            connection.execute(f"copy t to '{folder / name}' (format parquet)")
            files.append(File(name, 1, name, len(rows)))
    fields = tuple(Field(name, "", kind, "", None) for name, kind in TYPES.items())
    resource = Resource(
        "t", "t", "s.t", DUMP, Format.PARQUET, "", fields, ("number",), tuple(files)
    )
    return folder, resource


def _row(number: int, random: Random) -> list[Any]:
    values = [
        number * 3 + random.randrange(4),
        date(2026, 1, 1) + timedelta(days=number + random.randrange(3)),
        random.choice(("", "a", "b", "Ä", "zz")),
        random.choice((True, False)),
    ]
    return [None if number == 5 or random.random() < 0.25 else value for value in values]


def _tree(random: Random, depth: int = 3) -> tuple[dict[str, Any], str]:
    """A condition as a tree, and the same in SQL."""
    operation = random.choice(("and", "or", "not", "isNull", *SQL)) if depth else "equal"
    if operation in ("and", "or"):
        parts = [_tree(random, depth - 1) for _ in range(random.randrange(2, 4))]
        text = f" {operation} ".join(f"({each})" for _, each in parts)
        return {"op": operation, "children": [tree for tree, _ in parts]}, text
    if operation == "not":
        tree, text = _tree(random, depth - 1)
        return {"op": "not", "children": [tree]}, f"not ({text})"
    name = random.choice(list(TYPES))
    column = {"op": "column", "name": name.upper(), "valueType": JSON_TYPES[name]}
    if operation == "isNull":
        return {"op": "isNull", "children": [column]}, f"{name} is null"
    value = {
        "number": str(random.randrange(-2, 42)),
        "day": f"2026-01-{random.randrange(1, 17):02}",
        "word": random.choice(("", "a", "c", "Ä")),
        "is_open": random.choice(("true", "false")),
    }[name]
    literal = {"op": "literal", "value": value, "valueType": JSON_TYPES[name]}
    quoted = f"cast('{value}' as {TYPES[name]})"
    if random.random() < 0.5:
        return {
            "op": operation,
            "children": [column, literal],
        }, f"{name} {SQL[operation]} {quoted}"
    return {"op": operation, "children": [literal, column]}, f"{quoted} {SQL[operation]} {name}"


def test_nested_conditions_leave_out_only_files_without_a_match(
    table: tuple[Path, Resource],
) -> None:
    folder, resource = table
    random, left_out = Random(2), 0
    with duckdb.connect() as connection:
        for _ in range(300):
            tree, text = _tree(random)
            kept = Hints(json_predicate=json.dumps(tree)).chosen(resource, folder)
            for file in resource.files:
                if file not in kept:
                    left_out += 1
                    relation = parquet_relation(folder, [file])
                    found = connection.execute(f"select 1 from {relation} where {text}").fetchall()
                    assert found == [], (tree, file.path)
    assert left_out > 500


COLUMN = {"op": "column", "name": "number", "valueType": "int"}


@pytest.mark.parametrize(
    "tree",
    [
        [],
        "x",
        {"op": "equal"},
        {"op": "sounds like", "children": [COLUMN, COLUMN]},
        {"op": "equal", "children": [COLUMN, COLUMN]},
        {"op": "equal", "children": [COLUMN, {"op": "literal", "value": "x"}]},
        {"op": "equal", "children": [COLUMN | {"name": "nothing"}, {"op": "literal", "value": "1"}]},
        {"op": "equal", "children": [COLUMN | {"valueType": "string"}, {"op": "literal", "value": "99"}]},
        {"op": "and", "children": []},
        {"op": [], "children": {}},
    ],
)  # fmt: skip
def test_what_is_not_understood_leaves_out_nothing(table: tuple[Path, Resource], tree: Any) -> None:
    folder, resource = table
    assert len(Hints(json_predicate=json.dumps(tree)).chosen(resource, folder)) == 12
    assert len(Hints(json_predicate="{").chosen(resource, folder)) == 12
    assert len(Hints(("number", "1 = 1", "word like 'x%'")).chosen(resource, folder)) == 12


def test_many_conditions_take_no_time_that_grows_with_their_combinations(
    table: tuple[Path, Resource],
) -> None:
    folder, resource = table
    condition = {"op": "equal", "children": [COLUMN, {"op": "literal", "value": "1"}]}
    tree = {"op": "or", "children": [condition] * 1000}
    assert len(Hints(json_predicate=json.dumps(tree)).chosen(resource, folder)) < 12


def test_a_table_with_a_type_that_delta_lake_lacks_is_not_readable(
    table: tuple[Path, Resource],
) -> None:
    _, resource = table
    assert delta.is_readable(resource)
    types = ["varchar(20)", "decimal(10, 2)", "varchar[]", "smallint", "double", "time", "time[]"]
    assert [delta._type(each) for each in types] == [
        "string",
        "decimal(10,2)",
        {"type": "array", "elementType": "string", "containsNull": True},
        "short",
        "double",
        None,
        None,
    ]
