"""Questions of the API: pages together are the table, whatever it is sorted by; filters choose what SQL would; nothing of a request becomes SQL."""

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from scripts.serve.api.kinds import kind_of
from scripts.serve.api.problems import INVALID_PARAMETER, NO_SUCH_PAGE, Problem
from scripts.serve.api.questions import Cursor, Question, one_row
from scripts.serve.api.resources import Column, Order, Resource, with_key

SEED = 29
TYPES = {
    "id": "bigint",
    "part": "varchar",
    "amount": "decimal(10,2)",
    "day": "date",
    "noted_at": "timestamp",
    "is_open": "boolean",
    "token": "uuid",
    "note": "varchar",
}
REQUIRED = ("id", "part")
ROWS = 300


def resource(order: tuple[Order, ...] = ()) -> Resource:
    columns = {
        name: Column(name, "", kind_of(kind), name not in REQUIRED) for name, kind in TYPES.items()
    }
    key = ("id", "part")
    return Resource(
        name="things",
        table="marts.things",
        description="",
        columns=columns,
        key=key,
        filters=tuple(TYPES),
        order=with_key(list(order), key),
        page_size=50,
        deprecated_on=None,
        sunset=None,
    )


@pytest.fixture(scope="module")
def table() -> Iterator[duckdb.DuckDBPyConnection]:
    """Rows with few values, and NULL in a fourth of them: many are alike but for the key."""
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
        connection.execute(f"create table things ({columns})")
        connection.execute(
            f"""
            insert into things
            select
                i // 2 as id,
                case i % 2 when 0 then 'a,"b' else 'ä' end as part,
                case when i % 4 = 0 then null else (i % 7) - 3.25 end as amount,
                case when i % 4 = 1 then null else date '2024-02-27' + cast(i % 5 as integer) end as day,
                case when i % 4 = 2 then null else timestamp '2024-02-27 10:00:00.5' + interval (i % 3) hour end as noted_at,
                case when i % 4 = 3 then null else i % 3 = 0 end as is_open,
                case when i % 5 = 0 then null else cast(lpad(cast(i % 11 as varchar), 32, '0') as uuid) end as token,
                case when i % 6 = 0 then null else chr(65 + cast(i % 9 as integer)) || '_%' end as note
            from range({ROWS}) as numbers (i)
            """
        )
        yield connection


def fetched(table: duckdb.DuckDBPyConnection, question: Question) -> list[tuple[Any, ...]]:
    statement = question.rows("things")
    return table.execute(statement.sql, statement.values).fetchall()


def all_pages(
    table: duckdb.DuckDBPyConnection, asked: Resource, parameters: list[tuple[str, str]], size: int
) -> list[tuple[Any, ...]]:
    """As a client reads them: by the text of each cursor."""
    found: list[tuple[Any, ...]] = []
    after: list[tuple[str, str]] = []
    while True:
        question = Question.parse(asked, [*parameters, ("limit", str(size)), *after], 1000)
        rows = fetched(table, question)
        shown = len(question.columns)
        found += [row[:shown] for row in rows[:size]]
        if len(rows) <= size:
            return found
        names = (*question.columns, *question.hidden)
        after = [("after", question.next_cursor("batch-1", names, rows[size - 1]).text)]


@pytest.mark.parametrize("attempt", range(25))
def test_all_pages_together_are_the_table_in_its_order(
    table: duckdb.DuckDBPyConnection, attempt: int
) -> None:
    chance = random.Random(f"{SEED} {attempt}")
    order = [
        chance.choice(("", "-")) + name for name in chance.sample(list(TYPES), chance.randint(1, 3))
    ]
    columns = chance.sample(list(TYPES), chance.randint(1, 4))
    parameters = [("order", ",".join(order)), ("select", ",".join(columns))]
    if chance.random() < 0.5:
        parameters.append(("day", "gt.2024-02-28"))
    pages = all_pages(table, resource(), parameters, chance.randint(1, 70))
    sorted_by = ", ".join(
        f"{name.removeprefix('-')}{' desc' if name.startswith('-') else ''} nulls last"
        for name in [*order, *({"id", "part"} - {name.removeprefix("-") for name in order})]
        if name.removeprefix("-") not in ("id", "part") or name in order
    )
    where = "where day > date '2024-02-28'" if len(parameters) == 3 else ""
    keys = ", ".join(
        name for name in ("id", "part") if name not in {each.removeprefix("-") for each in order}
    )
    listed = ", ".join(part for part in (sorted_by.rstrip(", "), keys) if part)
    expected = table.execute(
        f"select {', '.join(columns)} from things {where} order by {listed}"
    ).fetchall()
    assert pages == expected
    assert len(pages) > 50


@pytest.mark.parametrize(
    ("parameters", "condition"),
    [
        ([("id", "eq.7")], "id = 7"),
        ([("id", "neq.7")], "id <> 7"),
        ([("id", "gte.7"), ("id", "lt.20")], "id >= 7 and id < 20"),
        ([("id", "in.(1,2,-3)")], "id in (1, 2, -3)"),
        ([("part", 'in.("a,\\"b")')], "part = 'a,\"b'"),
        ([("part", "eq.ä")], "part = 'ä'"),
        ([("part", "like.a*")], "part like 'a%'"),
        ([("note", "like.A_%")], "note = 'A_%'"),
        ([("note", "ilike.a*")], "note like 'A%'"),
        ([("amount", "lte.-1.25")], "amount <= -1.25"),
        ([("amount", "eq.-1.2500")], "amount = -1.25"),
        ([("amount", "eq.-1.251")], "false"),
        ([("day", "eq.2024-02-29")], "day = date '2024-02-29'"),
        ([("noted_at", "gt.2024-02-27T11:00:00")], "noted_at > timestamp '2024-02-27 11:00:00'"),
        ([("is_open", "eq.true")], "is_open"),
        (
            [("token", "eq.00000000-0000-0000-0000-000000000007")],
            "right(cast(token as varchar), 2) = '07'",
        ),
        ([("day", "is.null"), ("amount", "is.not_null")], "day is null and amount is not null"),
    ],
)
def test_filters_choose_what_sql_would(
    table: duckdb.DuckDBPyConnection, parameters: list[tuple[str, str]], condition: str
) -> None:
    question = Question.parse(
        resource(), [("select", "id,part"), ("order", "id"), *parameters], None
    )
    count = question.count("things")
    expected = table.execute(
        f"select id, part from things where {condition} order by id, part"
    ).fetchall()
    assert fetched(table, question) == expected
    assert table.execute(count.sql, count.values).fetchall() == [(len(expected),)]
    assert expected or condition == "false"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("id", "7"),
        ("id", "eq.7.5"),
        ("id", "eq.seven"),
        ("id", "eq."),
        ("id", "like.7*"),
        ("id", "eq.1234567890123456789"),
        ("id", "in.()"),
        ("id", "in.(1,)"),
        ("id", "in.1,2"),
        ("id", f"in.({','.join(['1'] * 1001)})"),
        ("id", "eq.7 or 1=1"),
        ("amount", "eq.NaN"),
        ("amount", "eq.1e5"),
        ("day", "eq.2023-02-29"),
        ("day", "eq.2023-13-01"),
        ("day", "eq.0000-01-01"),
        ("day", "eq.2023-02-01\n"),
        ("noted_at", "eq.2023-02-01"),
        ("is_open", "eq.yes"),
        ("token", "eq.7"),
        ("part", "eq.\0"),
        ("part", f"eq.{'x' * 2000}"),
        ("part", "is.true"),
        ("select", "id,nothing"),
        ("select", "id,id"),
        ("select", ""),
        ("select", 'id" from secrets --'),
        ("order", "nothing"),
        ("order", "id,id"),
        ("order", "id desc"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "ten"),
        ("limit", "٣"),
        ("count", "1"),
        ("nothing", "eq.1"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(Problem) as raised:
        Question.parse(resource(), [(name, text)], largest_page=1000)
    assert raised.value.type is INVALID_PARAMETER
    assert raised.value.parameter == name
    assert raised.value.fix


def test_a_parameter_that_is_given_twice_is_refused_and_a_fourth_filter_of_a_column_too() -> None:
    for parameters in ([("limit", "1"), ("limit", "2")], [("id", "gt.1")] * 4):
        with pytest.raises(Problem):
            Question.parse(resource(), parameters, largest_page=1000)
    assert Question.parse(resource(), [("id", "gt.1")] * 3, largest_page=1000).conditions


def test_a_cursor_of_another_question_is_refused() -> None:
    one = Question.parse(resource(), [("id", "gt.3")], largest_page=1000)
    cursor = one.next_cursor("batch-1", ("id", "part"), (7, "a")).text
    assert (
        Question.parse(resource(), [("id", "gt.3"), ("after", cursor)], 1000).version == "batch-1"
    )
    for parameters in ([("id", "gt.4")], [("id", "gt.3"), ("order", "-id")], []):
        with pytest.raises(Problem) as raised:
            Question.parse(resource(), [*parameters, ("after", cursor)], 1000)
        assert raised.value.type is NO_SUCH_PAGE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "====",
        "W10",
        "WyJhIiwiYiIsWyJjIl1d",
        "bnVsbA",
        "e30",
        "ä",
        "W" * 5000,
        Cursor("batch-1", "x", ("1 or 1=1", None)).text,
    ],
)
def test_what_is_no_cursor_is_no_page(text: str) -> None:
    with pytest.raises(Problem) as raised:
        Question.parse(resource(), [("after", text)], 1000)
    assert raised.value.type is NO_SUCH_PAGE


def test_made_up_values_of_a_cursor_are_refused(table: duckdb.DuckDBPyConnection) -> None:
    plain = Question.parse(resource(), [], 1000)
    for values in (("1 or 1=1", "a"), ("7",), ("7", "a", "b")):
        cursor = Cursor("batch-1", plain.digest, values).text
        with pytest.raises(Problem) as raised:
            Question.parse(resource(), [("after", cursor)], 1000)
        assert raised.value.type is NO_SUCH_PAGE
    odd = Cursor("batch-1", plain.digest, (None, "a' or true --")).text
    assert isinstance(fetched(table, Question.parse(resource(), [("after", odd)], 1000)), list)


def test_long_text_of_a_row_can_be_in_a_cursor() -> None:
    asked = resource((Order("note"),))
    cursor = Question.parse(asked, [], 1000).next_cursor(
        "batch-1", ("note", "id", "part"), ("x" * 900, Decimal(7), "a")
    )
    assert Question.parse(asked, [("after", cursor.text)], 1000).after == cursor


def test_one_row_is_found_by_all_columns_of_the_key(table: duckdb.DuckDBPyConnection) -> None:
    statement = one_row(resource(), "things", ["id", "part"], [7, "ä"])
    assert table.execute(statement.sql, statement.values).fetchall() == [(7, "ä")]
